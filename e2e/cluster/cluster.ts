// A real Kubernetes cluster on this machine: starts it, finds a running one, ends it. Flags, configuration and wiring are decided in the folders below.
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Binaries, buildAll } from './build/build.ts'
import { ClusterError, reasonOf } from './cluster-error.ts'
import { collectLogs } from './collect-logs.ts'
import { accessesFor, apiUrl } from './control-plane/access.ts'
import { type ControlPlane, controlPlane, writeAccess } from './control-plane/control-plane.ts'
import { auditLogOf } from './control-plane/flags.ts'
import { pauseImage, pauseProgram } from './images/images.ts'
import { unwireMachine, wireControlPlane } from './network/wire.ts'
import { hasOnlyCgroupV2, removeCgroups } from './node/cgroups.ts'
import { type Node, type NodeLife, nodeLife } from './node/node.ts'
import { type ClusterPlace, clusterPlace, nodePlace, type Place } from './place.ts'
import { withLock } from './process/lock.ts'
import { run, type RunOptions } from './process/run.ts'
import { endSandbox, findSandbox, type Sandbox, startSandbox } from './process/sandbox.ts'
import { waitFor } from './wait-for.ts'

/** What a suite may choose. Everything but `nodes` has the default of a normal cluster. */
export interface ClusterRequest {
  readonly nodes: number
  /** 110 unless said. */
  readonly maxPods?: number | undefined
  /** For every Kubernetes component. */
  readonly featureGates?: Readonly<Record<string, boolean>> | undefined
  /** Merged over the KubeletConfiguration of every node. */
  readonly kubeletConfig?: Readonly<Record<string, unknown>> | undefined
  /** Whether the API server writes an audit log. */
  readonly audit?: boolean | undefined
}

/** Where and as what a cluster runs; the same for start, open and end. */
export interface ClusterIdentity {
  readonly name: string
  readonly place: Place
  /** The environment for Go, Helm and the components. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

export interface StartOptions extends ClusterIdentity, ClusterRequest {
  /** Receives a line for each step that takes time. */
  readonly progress: (line: string) => void
  readonly signal?: AbortSignal | undefined
}

/** A running cluster. */
export interface Cluster {
  readonly name: string
  /** Path of the admin's kubeconfig. */
  readonly kubeconfig: string
  /** For tests that talk HTTP to the API server themselves; `ca` is PEM. */
  readonly api: { readonly url: string; readonly token: string; readonly ca: string }
  readonly nodes: readonly Node[]
  readonly controlPlane: ControlPlane
  /** The audit log, one JSON event a line; undefined unless asked for at the start. */
  readonly auditLog: string | undefined
  kubectl(words: readonly string[], options?: RunOptions): Promise<string>
  helm(words: readonly string[], options?: RunOptions): Promise<string>
  /** Makes the image in a docker-archive known to every node. */
  importImage(tarball: string): Promise<void>
  /** Writes logs, events, objects and every node's network into a folder, for reading after a failure. */
  collectLogs(folder: string): Promise<void>
  /** Ends everything it started and forgets its state. */
  down(): Promise<void>
}

/** What `openCluster` needs of an earlier start. */
interface Saved {
  readonly request: ClusterRequest
  readonly binaries: Binaries
  readonly init: string
  readonly pauseImage: string
  readonly token: string
}

const toolOf = (place: Place): string => join(place.checkout, 'e2e/cluster')
const savedFile = (cluster: ClusterPlace): string => join(cluster.folder, 'cluster.json')
const controlPlaneFolder = (cluster: ClusterPlace): string => join(cluster.folder, 'control-plane')
const lockFile = (cluster: ClusterPlace): string => `${cluster.folder}.lock`

/** Ends what an earlier run of this checkout and name left, then starts anew. Warm, two nodes: under 25 s. Throws a ClusterError. */
export async function startCluster(options: StartOptions): Promise<Cluster> {
  const { place, progress, signal, environment, name, ...request } = options
  const cluster = clusterPlace(place, name)
  const binaries = await buildAll({ place, environment, progress, signal })
  const images = { place, progress, signal }
  const saved: Saved = {
    request,
    binaries,
    init: await pauseProgram(images),
    pauseImage: (await pauseImage(images)).tarball,
    token: randomToken(),
  }
  return withLock(lockFile(cluster), async () => {
    await removeLeftovers(cluster, toolOf(place))
    await mkdir(controlPlaneFolder(cluster), { recursive: true, mode: 0o700 })
    const parts = await partsOf(options, cluster, saved)
    await bringUp(parts, { cluster, progress, signal }).catch(async (cause: unknown) => {
      await endSandboxes(cluster, toolOf(place))
      throw new ClusterError(`${reasonOf(cause)}\nCluster "${name}" did not start and was ended again; its logs are in ${cluster.folder}`, {
        cause,
      })
    })
    const unfinished = `${savedFile(cluster)}.new`
    await writeFile(unfinished, JSON.stringify(saved), { mode: 0o600 })
    await rename(unfinished, savedFile(cluster))
    return handle(options, cluster, parts)
  })
}

/** The cluster that an earlier `startCluster` of this checkout and name brought up; undefined when there is none. */
export async function openCluster(identity: ClusterIdentity): Promise<Cluster | undefined> {
  const cluster = clusterPlace(identity.place, identity.name)
  if (!existsSync(savedFile(cluster)) || findSandbox(controlPlaneFolder(cluster), toolOf(identity.place)) === undefined) return undefined
  // Written whole by startCluster of this checkout.
  const saved: Saved = JSON.parse(await readFile(savedFile(cluster), 'utf8'))
  return handle(identity, cluster, await partsOf(identity, cluster, saved))
}

/** Ends the cluster of this checkout and name, whatever state it is in; nothing happens when there is none. */
export async function endCluster(identity: ClusterIdentity): Promise<void> {
  const cluster = clusterPlace(identity.place, identity.name)
  await withLock(lockFile(cluster), () => removeLeftovers(cluster, toolOf(identity.place)))
}

interface Parts {
  readonly controlPlane: ControlPlane
  readonly lives: readonly NodeLife[]
  readonly access: { readonly ca: string; readonly token: string }
  readonly saved: Saved
  startControlPlaneSandbox(signal?: AbortSignal): Promise<Sandbox>
}

async function partsOf({ place, environment }: ClusterIdentity, cluster: ClusterPlace, saved: Saved): Promise<Parts> {
  const tool = toolOf(place)
  const folder = controlPlaneFolder(cluster)
  const { request, binaries, init } = saved
  const places = Array.from({ length: request.nodes }, (_, index) => nodePlace(cluster, index + 1))
  if (!existsSync(join(folder, 'pki/ca.crt'))) {
    const accesses = accessesFor(
      places.map((node) => node.name),
      randomToken,
    ).map((access) => (access.file === 'admin' ? { ...access, token: saved.token } : access))
    await writeAccess(cluster, folder, accesses)
  }
  const access = { ca: await readFile(join(folder, 'pki/ca.crt'), 'utf8'), token: saved.token }
  const sandbox = (): Sandbox => {
    const found = findSandbox(folder, tool)
    if (found === undefined) throw new ClusterError(`the control plane of cluster "${cluster.name}" does not run; start the cluster again`)
    return found
  }
  const featureGates = request.featureGates ?? {}
  return {
    saved,
    access,
    controlPlane: controlPlane({
      cluster,
      binaries,
      sandbox,
      environment,
      settings: { folder, apiAddress: cluster.apiAddress, audit: request.audit ?? false, featureGates },
      admin: () => access,
    }),
    lives: places.map((node) =>
      nodeLife({
        tool,
        cluster,
        node,
        binaries,
        init,
        environment,
        pauseImage: saved.pauseImage,
        others: places.filter((other) => other.name !== node.name),
        controlPlane: sandbox,
        settings: {
          node,
          controlPlane: folder,
          featureGates,
          maxPods: request.maxPods ?? 110,
          kubeletConfig: request.kubeletConfig ?? {},
          cgroupV1: !hasOnlyCgroupV2(),
        },
      }),
    ),
    startControlPlaneSandbox: (signal) => startSandbox({ tool, folder, init, mounts: undefined, signal }),
  }
}

interface BringUp {
  readonly cluster: ClusterPlace
  readonly progress: (line: string) => void
  readonly signal: AbortSignal | undefined
}

async function bringUp(parts: Parts, { cluster, progress, signal }: BringUp): Promise<void> {
  progress(`cluster ${cluster.name}: starting the control plane ...`)
  await wireControlPlane(cluster, await parts.startControlPlaneSandbox(signal))
  const { etcd, apiserver, controllerManager, scheduler } = parts.controlPlane
  const startApi = async (): Promise<void> => {
    await etcd.start({ signal })
    await apiserver.start({ signal })
    await Promise.all([controllerManager.start({ signal }), scheduler.start({ signal })])
  }
  const bootNodes = async (): Promise<void> => {
    for (const life of parts.lives) {
      await life.install()
      await life.boot(signal)
    }
  }
  await settle([startApi(), bootNodes()])
  progress(`cluster ${cluster.name}: starting ${parts.lives.length} nodes ...`)
  await settle(parts.lives.map((life) => life.join(signal)))
  await waitReady(parts, cluster, signal)
  progress(`cluster ${cluster.name}: ${parts.lives.length} nodes are Ready`)
}

/** All end before the first failure is thrown: nothing of a failed start goes on in the background. */
async function settle(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work)
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

async function waitReady(parts: Parts, cluster: ClusterPlace, signal: AbortSignal | undefined): Promise<void> {
  const ready = '{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status}/{.spec.taints[*].key} {end}'
  await waitFor(
    `all ${parts.lives.length} nodes are Ready and without taints`,
    async (limit) => {
      const seen = (await kubectl(parts, cluster, ['get', 'nodes', '-o', `jsonpath=${ready}`], { signal: limit })).trim()
      const done = seen.split(' ').filter((node) => node.endsWith('=True/')).length === parts.lives.length
      return done ? { done, value: undefined } : { done, seen: seen === '' ? 'no nodes' : seen }
    },
    { deadline: 120_000, every: 250, signal },
  )
}

const kubectl = (parts: Parts, cluster: ClusterPlace, words: readonly string[], options?: RunOptions): Promise<string> =>
  run([join(parts.saved.binaries.kubernetes, 'kubectl'), '--kubeconfig', adminConfig(cluster), ...words], options)

const adminConfig = (cluster: ClusterPlace): string => join(controlPlaneFolder(cluster), 'kubeconfigs/admin.json')

function handle(identity: ClusterIdentity, cluster: ClusterPlace, parts: Parts): Cluster {
  const nodes = parts.lives.map((life) => life.node)
  const kubeconfig = adminConfig(cluster)
  const helmHome = join(cluster.folder, 'helm')
  const helmEnvironment = { ...identity.environment, HELM_CACHE_HOME: helmHome, HELM_CONFIG_HOME: helmHome, HELM_DATA_HOME: helmHome }
  const call = (words: readonly string[], options?: RunOptions) => kubectl(parts, cluster, words, options)
  const folders = [controlPlaneFolder(cluster), ...nodes.map((node) => join(cluster.folder, node.name))]
  return {
    name: cluster.name,
    kubeconfig,
    api: { url: apiUrl(cluster.apiAddress), ...parts.access },
    nodes,
    controlPlane: parts.controlPlane,
    auditLog: parts.saved.request.audit === true ? auditLogOf(controlPlaneFolder(cluster)) : undefined,
    kubectl: call,
    helm: (words, options) =>
      run([join(parts.saved.binaries.helm, 'helm'), '--kubeconfig', kubeconfig, ...words], {
        environment: helmEnvironment,
        deadline: 300_000,
        ...options,
      }),
    importImage: async (tarball) => settle(nodes.map((node) => node.importImage(tarball))),
    collectLogs: (folder) => collectLogs({ folder, sources: folders, nodes, kubectl: call }),
    down: () => endCluster(identity),
  }
}

/** Ends by record, never by name; the cluster's id is in the name of everything else that is removed. */
async function removeLeftovers(cluster: ClusterPlace, tool: string): Promise<void> {
  await endSandboxes(cluster, tool)
  await unwireMachine(cluster)
  await removeCgroups(`plexus-${cluster.id}-`)
  await rm(cluster.folder, { recursive: true, force: true, maxRetries: 5 })
}

async function endSandboxes(cluster: ClusterPlace, tool: string): Promise<void> {
  if (!existsSync(cluster.folder)) return
  const names = await readdir(cluster.folder)
  const folders = names.filter((name) => name === 'control-plane' || name.startsWith('node-')).map((name) => join(cluster.folder, name))
  await settle(folders.map((folder) => endSandbox(folder, tool)))
}

const randomToken = (): string => randomBytes(24).toString('hex')
