// One node of a cluster: boots it, ends it, runs commands and reads files in it, cuts it from the API server. Configuration is decided elsewhere.
import { randomUUID } from 'node:crypto'
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Binaries } from '../build/build.ts'
import { ClusterError } from '../cluster-error.ts'
import { cutRules, healRules } from '../network/links.ts'
import { wireNode } from '../network/wire.ts'
import type { ClusterPlace, NodePlace } from '../place.ts'
import { component, type Component } from '../process/component.ts'
import { attempt, run, type RunOptions, type RunResult } from '../process/run.ts'
import { endSandbox, findSandbox, insideSandbox, type Sandbox, startSandbox } from '../process/sandbox.ts'
import { makeCgroup } from './cgroups.ts'
import {
  containerdConfig,
  kubeletConfiguration,
  kubeletFlags,
  kubeProxyConfiguration,
  type NodeSettings,
  primaryNetwork,
  primaryPlugins,
  sandboxImage,
} from './configs.ts'
import { ownPaths } from './own-paths.ts'

/** A node as suites use it. Paths are the node's own, such as `/etc/cni/net.d`. */
export interface Node {
  readonly name: string
  readonly address: string
  /** The interface that shares one L2 segment with the same interface of every other node. */
  readonly uplink: 'eth1'
  readonly podSubnet: string
  readonly kubelet: Component
  readonly containerd: Component
  readonly kubeProxy: Component
  readonly files: NodeFiles
  /** Runs a command in the node's network, mount and process namespaces; any exit code resolves. */
  attempt(argv: readonly string[], options?: RunOptions): Promise<RunResult>
  /** The same; an exit code other than 0 throws. Answers stdout. */
  run(argv: readonly string[], options?: RunOptions): Promise<string>
  /** Makes the image in this docker-archive known to the node's containerd. */
  importImage(tarball: string): Promise<void>
  /** Packets between this node (its pods included) and the API server vanish until `healApi`. */
  cutFromApi(): Promise<void>
  healApi(): Promise<void>
  /** SIGKILLs all its processes, forgets `/run` and its network, takes a new boot id and starts again. */
  reboot(): Promise<void>
  /** The id of its init as the machine sees it: /proc/PID/root, nsenter. */
  pid(): number
}

/** Files of a node, by the node's own absolute paths. */
export interface NodeFiles {
  read(path: string): Promise<string>
  write(path: string, content: string | Uint8Array): Promise<void>
  /** The names in a folder, sorted; empty when it is not there. */
  list(path: string): Promise<readonly string[]>
  remove(path: string): Promise<void>
  /** The path by which the machine reaches this file; changes with a reboot. */
  pathOf(path: string): string
}

export interface NodeOptions {
  readonly tool: string
  readonly cluster: ClusterPlace
  readonly node: NodePlace
  readonly others: readonly NodePlace[]
  readonly settings: NodeSettings
  readonly binaries: Binaries
  readonly init: string
  readonly pauseImage: string
  readonly controlPlane: () => Sandbox
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** What the cluster does with a node besides. */
export interface NodeLife {
  readonly node: Node
  /** Writes the node's configuration and gives it a disk with its primary network. */
  install(): Promise<void>
  /** Starts the sandbox and containerd. */
  boot(signal?: AbortSignal): Promise<void>
  /** Starts what needs the API server. */
  join(signal?: AbortSignal): Promise<void>
}

export function nodeLife(options: NodeOptions): NodeLife {
  const { node: place, tool, binaries, settings, environment } = options
  const sandbox = (): Sandbox => {
    const found = findSandbox(place.folder, tool)
    if (found === undefined) throw new ClusterError(`${place.name} does not run; start the cluster again`)
    return found
  }
  const inside = (argv: readonly string[]) => insideSandbox(sandbox(), argv)
  const ctr = (...words: readonly string[]) => inside([join(binaries.containerd, 'ctr'), '-n', 'k8s.io', ...words])
  const of = (name: string, argv: readonly string[], serves: (signal: AbortSignal) => Promise<void>): Component =>
    component(place.folder, { name, sandbox, argv, environment, serves })
  const answers = (port: number) => async (signal: AbortSignal) => {
    if ((await run(inside(['ss', '-Hltn', `sport = :${port}`]), { signal })).trim() === '')
      throw new ClusterError(`nothing listens on port ${port}`)
  }
  const containerd = of(
    'containerd',
    [join(binaries.containerd, 'containerd'), '--config', join(place.folder, 'containerd.toml')],
    async (signal) => {
      await run(ctr('version'), { signal })
    },
  )
  const kubelet = of('kubelet', [join(binaries.kubernetes, 'kubelet'), ...kubeletFlags(settings)], answers(10250))
  const kubeProxy = of(
    'kube-proxy',
    [join(binaries.kubernetes, 'kube-proxy'), `--config=${join(place.folder, 'kube-proxy.json')}`],
    answers(10256),
  )
  const importImage = async (tarball: string): Promise<void> => {
    await run(ctr('images', 'import', '--local', tarball), { deadline: 180_000 })
  }
  const boot = async (signal?: AbortSignal): Promise<void> => {
    await writeFile(join(place.folder, 'boot_id'), `${randomUUID()}\n`)
    const started = await startSandbox({ tool, folder: place.folder, init: options.init, mounts: place.folder, signal })
    await wireNode({
      cluster: options.cluster,
      node: place,
      others: options.others,
      sandbox: started,
      controlPlane: options.controlPlane(),
    })
    await containerd.start({ signal })
    const known = await run(ctr('images', 'list', '-q'), { signal })
    if (!known.split('\n').includes(sandboxImage)) await importImage(options.pauseImage)
  }
  const joinCluster = async (signal?: AbortSignal): Promise<void> => {
    await Promise.all([kubelet.start({ signal }), kubeProxy.start({ signal })])
  }
  const node: Node = {
    name: place.name,
    address: place.address,
    uplink: 'eth1',
    podSubnet: place.podSubnet,
    kubelet,
    containerd,
    kubeProxy,
    files: nodeFiles(() => sandbox().init.pid),
    attempt: (argv, how) => attempt(inside(argv), how),
    run: (argv, how) => run(inside(argv), how),
    importImage,
    cutFromApi: async () => void (await run(inside(['nft', '-f', '-']), { input: cutRules(options.cluster) })),
    healApi: async () => void (await run(inside(['nft', '-f', '-']), { input: healRules })),
    reboot: async () => {
      await endSandbox(place.folder, tool)
      await boot()
      await joinCluster()
    },
    pid: () => sandbox().init.pid,
  }
  return { node, install: () => installNode(options), boot, join: joinCluster }
}

async function installNode({ node, settings, binaries }: NodeOptions): Promise<void> {
  const disk = (path: string): string => join(node.folder, 'disk', path)
  for (const path of ownPaths) await Promise.all([mkdir(disk(path), { recursive: true }), mkdir(path, { recursive: true })])
  const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`
  await mkdir(disk('/etc/cni/net.d'), { recursive: true })
  await mkdir(disk('/opt/cni/bin'), { recursive: true })
  await writeFile(disk('/etc/cni/net.d/10-primary.conflist'), json(primaryNetwork(node)))
  await Promise.all(primaryPlugins.map((name) => copyFile(join(binaries['cni-plugins'], name), disk(`/opt/cni/bin/${name}`))))
  await writeFile(join(node.folder, 'own-paths'), ownPaths.map((path) => `${path}\n`).join(''))
  await writeFile(join(node.folder, 'resolv.conf'), '')
  await writeFile(join(node.folder, 'kubelet.json'), json(kubeletConfiguration(settings)))
  await writeFile(join(node.folder, 'kube-proxy.json'), json(kubeProxyConfiguration(settings)))
  await writeFile(join(node.folder, 'containerd.toml'), containerdConfig({ runc: join(binaries.runc, 'runc') }))
  await makeCgroup(node.cgroup)
}

/** /var/run is an absolute link, which would lead from /proc/PID/root to the machine's own /run. */
function nodeFiles(pid: () => number): NodeFiles {
  const pathOf = (path: string): string => join(`/proc/${pid()}/root`, path.replace(/^\/var\/run(?=\/|$)/, '/run'))
  return {
    pathOf,
    read: (path) => readFile(pathOf(path), 'utf8'),
    write: async (path, content) => {
      await mkdir(dirname(pathOf(path)), { recursive: true })
      await writeFile(pathOf(path), content)
    },
    list: async (path) => (await readdir(pathOf(path)).catch((): string[] => [])).toSorted((a, b) => (a < b ? -1 : 1)),
    remove: (path) => rm(pathOf(path), { recursive: true, force: true }),
  }
}
