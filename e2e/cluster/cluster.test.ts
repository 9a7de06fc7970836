import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildComponent } from './build/build.ts'
import { type Cluster, endCluster, openCluster, startCluster } from './cluster.ts'
import { testImage } from './images/images.ts'
import type { Node } from './node/node.ts'
import { clusterPlace, placeOf } from './place.ts'
import { attempt } from './process/run.ts'
import { holds, waitFor } from './wait-for.ts'

// A cluster of its own beside whatever runs: these tests break it on purpose.
const place = placeOf(process.env, process.cwd())
const identity = { name: 'tool-test', place, environment: process.env }
const progress = (): void => undefined
const names = clusterPlace(place, identity.name)
const minute = 60_000

/** Everything of the cluster that the machine still shows. */
async function remains(): Promise<readonly string[]> {
  const link = await attempt(['ip', 'link', 'show', names.uplink])
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(names.folder))
  const cgroups = readdirSync('/sys/fs/cgroup', { recursive: false }).flatMap((folder) =>
    attemptList(join('/sys/fs/cgroup', String(folder))).filter((name) => name.includes(names.id)),
  )
  const processes = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandOf(pid).includes(names.folder))
  return [...(link.code === 0 ? [names.uplink] : []), ...mounts, ...cgroups, ...processes]
}

function attemptList(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

const podOn = (node: string, name: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      nodeName: node,
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'main',
          image: 'localhost/plexus-test:1',
          imagePullPolicy: 'Never',
          volumeMounts: [{ name: 'boot', mountPath: '/host/boot_id' }],
        },
      ],
      volumes: [{ name: 'boot', hostPath: { path: '/proc/sys/kernel/random/boot_id', type: 'File' } }],
    },
  })

describe('a cluster of two nodes', () => {
  let cluster: Cluster
  let first: Node
  let second: Node
  const get = (...words: readonly string[]) => cluster.kubectl(['get', ...words])
  const ready = (name: string, wanted: string) =>
    waitFor(
      `${name} has Ready=${wanted}`,
      async () => {
        const seen = await get('node', name, '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')
        return holds(seen === wanted, seen)
      },
      { deadline: 2 * minute, every: 200 },
    )

  beforeAll(async () => {
    cluster = await startCluster({ ...identity, nodes: 2, audit: true, progress })
    const [one, two] = cluster.nodes
    if (one === undefined || two === undefined) throw new Error('two nodes were asked for')
    first = one
    second = two
    await cluster.importImage((await testImage({ place, progress })).tarball)
    await waitFor(
      'the default service account is there',
      async () => holds((await get('serviceaccount', 'default', '-o', 'name')) !== '', ''),
      { deadline: minute },
    )
    await cluster.kubectl(['create', '-f', '-'], { input: `${podOn(first.name, 'a')}\n${podOn(second.name, 'b')}` })
    await cluster.kubectl(['wait', 'pod', 'a', 'b', '--for=condition=Ready', '--timeout=60s'], { deadline: 70_000 })
  }, 10 * minute)

  afterAll(async () => {
    await endCluster(identity)
  }, minute)

  const exec = (pod: string, ...words: readonly string[]) => cluster.kubectl(['exec', pod, '--', ...words])

  it('routes pods of two nodes to each other', async () => {
    const address = await get('pod', 'b', '-o', 'jsonpath={.status.podIP}')
    expect(await exec('a', 'ping', '-c', '1', '-w', '5', address)).toContain('1 packets received')
  })

  it('routes pods to the API server by its service address', async () => {
    expect(await exec('a', 'timeout', '5', 'bash', '-c', 'exec 3<>/dev/tcp/10.96.0.1/443 && echo open')).toBe('open\n')
  })

  it('shows a pod the boot id of its node', async () => {
    const ids = [await exec('a', 'cat', '/host/boot_id'), await exec('b', 'cat', '/host/boot_id')]
    expect(ids).toEqual([
      await first.files.read('/proc/sys/kernel/random/boot_id'),
      await second.files.read('/proc/sys/kernel/random/boot_id'),
    ])
    expect(new Set(ids).size).toBe(2)
  })

  it('joins the uplinks of all nodes in one segment', async () => {
    const plugins = await buildComponent('cni-plugins', { ...identity, progress })
    for (const [index, node] of cluster.nodes.entries()) {
      const ipam = { type: 'static', addresses: [{ address: `10.99.0.${index + 1}/24` }] }
      const input = JSON.stringify({ cniVersion: '1.0.0', name: 'm', type: 'macvlan', master: node.uplink, mode: 'bridge', ipam })
      await node.run(['ip', 'netns', 'add', 'probe'])
      const words = ['CNI_COMMAND=ADD', 'CNI_CONTAINERID=probe', 'CNI_NETNS=/run/netns/probe', 'CNI_IFNAME=net1', `CNI_PATH=${plugins}`]
      await node.run(['env', ...words, join(plugins, 'macvlan')], { input })
    }
    const inProbe = ['ip', 'netns', 'exec', 'probe']
    const neighbours = await waitFor(
      'the other node answers ARP',
      async () => {
        await first.run([...inProbe, 'bash', '-c', 'echo x > /dev/udp/10.99.0.2/9'])
        const seen = await first.run([...inProbe, 'ip', 'neighbour', 'show', '10.99.0.2'])
        return seen.includes('lladdr') ? { done: true, value: seen } : { done: false, seen }
      },
      { deadline: 10_000 },
    )
    expect(neighbours).toContain('lladdr')
    for (const node of cluster.nodes) await node.run(['ip', 'netns', 'delete', 'probe'])
  })

  it('has its own files on each node', async () => {
    await first.files.write('/etc/cni/net.d/README', 'x')
    expect(await first.files.list('/etc/cni/net.d')).toEqual(['10-primary.conflist', 'README'])
    expect(await second.files.list('/etc/cni/net.d')).toEqual(['10-primary.conflist'])
    expect(await second.files.list('/var/run/netns')).toEqual([expect.stringMatching(/^cni-/)])
    await first.files.remove('/etc/cni/net.d/README')
  })

  it('writes every request into the audit log', () => {
    expect(readFileSync(cluster.auditLog ?? '', 'utf8')).toContain('"username":"system:node:node-1"')
  })

  it('is found by another process', async () => {
    const found = await openCluster(identity)
    expect(found?.nodes.map((node) => node.pid())).toEqual([first.pid(), second.pid()])
    expect(await openCluster({ ...identity, name: 'never-started' })).toBeUndefined()
  })

  it.each(['etcd', 'apiserver', 'controllerManager', 'scheduler'] as const)(
    'lives on after SIGKILL of the %s and its start',
    async (part) => {
      const component = cluster.controlPlane[part]
      await component.kill()
      expect(component.isRunning()).toBe(false)
      await component.start()
      await waitFor('the API server answers', async () => holds((await get('pod', 'a', '-o', 'name')) !== '', ''), { deadline: minute })
    },
    2 * minute,
  )

  it(
    'says that a stopped component cannot be frozen',
    async () => {
      await cluster.controlPlane.scheduler.stop()
      expect(cluster.controlPlane.scheduler.isRunning()).toBe(false)
      expect(() => cluster.controlPlane.scheduler.freeze()).toThrow('kube-scheduler does not run: start it before sending SIGSTOP')
      await cluster.controlPlane.scheduler.start()
    },
    minute,
  )

  it(
    'keeps pods while containerd is killed and kubelet is frozen',
    async () => {
      await second.containerd.kill()
      await second.containerd.start()
      second.kubelet.freeze()
      second.kubelet.thaw()
      await second.kubelet.stop()
      await second.kubelet.start()
      await ready(second.name, 'True')
      // A kubelet that has just started knows the pod again only after it has listed its pods.
      await waitFor('pod b answers', async () => holds((await exec('b', 'echo', 'alive')) === 'alive\n', ''), { deadline: minute })
      expect(await get('pod', 'b', '-o', 'jsonpath={.status.containerStatuses[0].restartCount}')).toBe('0')
    },
    3 * minute,
  )

  it('cuts one node off the API server, and heals it', async () => {
    const [address = ''] = new URL(cluster.api.url).host.split(':')
    const dial = (node: Node) => node.attempt(['timeout', '2', 'bash', '-c', `exec 3<>/dev/tcp/${address}/6443`])
    await second.cutFromApi()
    await second.cutFromApi()
    expect([(await dial(first)).code, (await dial(second)).code]).toEqual([0, 124])
    await second.healApi()
    await second.healApi()
    expect((await dial(second)).code).toBe(0)
    await ready(second.name, 'True')
  }, 60_000)

  it(
    'reboots a node: another boot id, an empty /run, the pod runs again',
    async () => {
      const before = { boot: await second.files.read('/proc/sys/kernel/random/boot_id'), pods: await second.files.list('/run/netns') }
      await second.files.write('/run/marker', 'x')
      await second.files.write('/var/lib/plexus/marker', 'y')
      await second.reboot()
      expect(await second.files.read('/proc/sys/kernel/random/boot_id')).not.toBe(before.boot)
      expect(await second.files.list('/run')).not.toContain('marker')
      expect(await second.files.read('/var/lib/plexus/marker')).toBe('y')
      const address = await waitFor(
        'pod b runs in a new sandbox',
        async () => {
          const netns = await second.files.list('/run/netns')
          const seen = await get(
            'pod',
            'b',
            '-o',
            'jsonpath={.status.podIP} {.status.containerStatuses[0].ready} {.status.containerStatuses[0].restartCount}',
          )
          const fresh = netns.length > 0 && !netns.some((name) => before.pods.includes(name)) && seen.endsWith('true 1')
          return fresh ? { done: true, value: seen.split(' ')[0] ?? '' } : { done: false, seen: `${seen} ${netns.join(' ')}` }
        },
        { deadline: 3 * minute, every: 250 },
      )
      expect(await exec('a', 'ping', '-c', '1', '-w', '10', address)).toContain('1 packets received')
    },
    4 * minute,
  )

  it(
    'collects what a person needs to understand a failure',
    async () => {
      const folder = join(names.folder, 'collected')
      await cluster.collectLogs(folder)
      expect(readdirSync(folder)).toEqual(expect.arrayContaining(['control-plane', 'node-1', 'node-2', 'events.txt', 'node-1-links.txt']))
      expect(readFileSync(join(folder, 'objects.txt'), 'utf8')).toContain('pod/a')
    },
    minute,
  )

  it(
    'leaves nothing behind',
    async () => {
      expect(await remains()).not.toEqual([])
      await cluster.down()
      expect(await remains()).toEqual([])
    },
    minute,
  )

  it(
    'starts again after the tool was killed half way',
    async () => {
      const tool = spawn(process.execPath, [join(place.checkout, 'e2e/cluster/main.ts'), 'up', '--name', identity.name, '--nodes', '1'], {
        stdio: 'ignore',
      })
      await waitFor(
        'the first node is on its way',
        async () => holds(attemptList(join(names.folder, 'node-1')).includes('init.ready'), ''),
        { deadline: minute, every: 10 },
      )
      tool.kill('SIGKILL')
      const again = await startCluster({ ...identity, nodes: 1, progress })
      expect(await again.kubectl(['get', 'nodes', '-o', 'name'])).toBe('node/node-1\n')
      await again.down()
      expect(await remains()).toEqual([])
    },
    3 * minute,
  )
})
