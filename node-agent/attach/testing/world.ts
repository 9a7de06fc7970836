// A node in a temporary directory for tests: the real attach path on a real socket, real plugin processes that record their calls, an API server in memory.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PrimaryNetwork } from '#api/node-file'
import type { SandboxRecord } from '#api/sandbox-record'
import type { KubeClient } from '#kube/client'
import { fakeLog, type FakeLog } from '#kube/process/log.fake'
import { fakeMetrics, type FakeMetrics } from '#kube/process/metrics.fake'
import { systemClock } from '#kube/process/system-clock'
import { connect } from '#kube/testing/connect'
import { type FakeApiServer, openFakeApiServer } from '#kube/testing/fake-apiserver'
import { type Attach, startAttach } from '../attach.ts'
import type { DeviceDirs } from '../../devices/pod-devices.ts'
import { pods } from '../../pods/pod.ts'
import { type FakeKernelRoutes, fakeKernelRoutes } from '../../routes/kernel-routes.fake.ts'
import { fakeBoot, fakeEvents, type FakeEvents, fakePrimary, fakeSnapshot, type FakeSnapshot } from './ports.fake.ts'

export interface Answered {
  readonly status: number
  readonly body: Record<string, unknown>
}

export interface World {
  readonly directory: string
  readonly snapshot: FakeSnapshot
  readonly api: FakeApiServer
  readonly client: KubeClient
  readonly events: FakeEvents
  readonly log: FakeLog
  readonly metrics: FakeMetrics
  /** Default routes of every pod. */
  readonly routes: FakeKernelRoutes
  /** Starts the agent, or a new one after the last was stopped or killed. */
  start(options?: { readonly bootId?: string }): Promise<Attach>
  post(path: string, body: object): Promise<Answered>
  /** The same on Multus' socket, served when the profile asks for it. */
  postMultus(path: string, body: unknown): Promise<Answered>
  record(containerId: string): Promise<SandboxRecord>
  /** A plugin that records its calls and then runs `script`. */
  plugin(name: string, script?: string): Promise<void>
  /** `COMMAND type ifName netns` of every call so far. */
  calls(): Promise<readonly string[]>
  close(): Promise<void>
}

export const PRIMARY: PrimaryNetwork = {
  name: 'cluster',
  cniVersion: '1.0.0',
  plugins: [{ type: 'prim', name: 'cluster', cniVersion: '1.0.0' }],
}

/** ms of a clock that all tests of one process share, as boot time is shared by all of a node. */
const bootNow = (): number => Math.floor(performance.now()) + 1_000_000

export async function openWorld(): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'attach-'))
  const binDir = join(directory, 'bin')
  await Promise.all(['bin', 'netns', 'conf', 'results'].map((name) => mkdir(join(directory, name))))
  const api = await openFakeApiServer({ resources: [pods, NODES, NETWORKS, NAMESPACES] })
  const client = connect({ url: api.url })
  const [snapshot, events, log, metrics] = [fakeSnapshot(), fakeEvents(), fakeLog(), fakeMetrics()]
  const routes = fakeKernelRoutes('default via 10.1.0.1 dev eth0', 'default via fd01::1 dev eth0')
  let unique = 0
  let attach: Attach | undefined
  const at = (...parts: readonly string[]): string => join(directory, ...parts)
  return {
    directory,
    snapshot,
    api,
    client,
    events,
    log,
    metrics,
    routes,
    start: async (options = {}) => {
      await attach?.stop()
      attach = await startAttach({
        nodeName: 'node-a',
        stateDir: at('state'),
        runDir: at('run'),
        confDir: at('conf'),
        cniCacheDir: at('results'),
        multusDir: at('multus'),
        netnsDir: at('netns'),
        devices: devicesIn(directory),
        snapshot,
        primary: fakePrimary(PRIMARY, [binDir]),
        boot: fakeBoot(bootNow, options.bootId),
        client,
        events,
        clock: systemClock(),
        random: () => 0,
        log,
        metrics,
        routes,
        unique: () => `t${(unique += 1)}`,
      })
      return attach
    },
    post: (path, body) => post(at('run/cni/plexus.sock'), path, body),
    postMultus: (path, body) => post(at('multus/multus.sock'), path, body),
    record: async (containerId) => JSON.parse(await readFile(at('state/sandboxes', `${containerId}.json`), 'utf8')),
    plugin: async (name, script = 'exit 0') => {
      const call = `echo "$CNI_COMMAND ${name} $CNI_IFNAME $CNI_NETNS" >> ${at('calls')}`
      await writeFile(join(binDir, name), `#!/bin/sh\n${call}\ncat > ${at(`stdin-${name}`)}\n${script}\n`, { mode: 0o755 })
    },
    calls: async () => (await readFile(at('calls'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== ''),
    close: async () => {
      await attach?.stop()
      await client.close()
      await api.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** The kubelet's and the device plugins' directories of a test node. */
export function devicesIn(directory: string): DeviceDirs {
  const at = (name: string): string => join(directory, name)
  return { podResourcesDir: at('pod-resources'), devicePluginsDir: at('device-plugins'), deviceInfoDir: at('devinfo') }
}

const NODES = { group: '', version: 'v1', kind: 'Node', plural: 'nodes', namespaced: false } as const
export const NAMESPACES = { group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false } as const
export const NETWORKS = {
  group: 'k8s.cni.cncf.io',
  version: 'v1',
  kind: 'NetworkAttachmentDefinition',
  plural: 'network-attachment-definitions',
  namespaced: true,
} as const

/** A request of a shim. */
export function operation(
  containerId: string,
  change: { readonly annotations?: Record<string, string>; readonly env?: object } = {},
): object {
  const { annotations = {}, env = {} } = change
  return {
    protocol: 1,
    env: {
      CNI_CONTAINERID: containerId,
      CNI_NETNS: `/run/netns/${containerId}`,
      CNI_IFNAME: 'eth0',
      CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=${containerId};K8S_POD_UID=uid-1`,
      CNI_PATH: '/opt/none',
      ...env,
    },
    config: { cniVersion: '1.0.0', name: 'plexus', type: 'plexus', runtimeConfig: { 'io.kubernetes.cri.pod-annotations': annotations } },
    startedAt: bootNow(),
    deadline: bootNow() + 10_000,
  }
}

/** What a plugin prints for one interface. */
export function result(ifName: string, address: string): object {
  return {
    cniVersion: '1.0.0',
    interfaces: [{ name: ifName, mac: '02:00:00:00:00:01', sandbox: '/run/netns/x' }],
    ips: [{ address, interface: 0 }],
  }
}

function post(socketPath: string, path: string, body: unknown): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, method: 'POST', headers: { connection: 'close' } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) }))
    })
    sent.on('error', reject)
    sent.end(JSON.stringify(body))
  })
}
