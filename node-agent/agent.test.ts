// The whole agent in one process: real files, a real socket, a real stream, an API server in memory.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseNodeName } from '#api/ids'
import { profileSpec, type ProfileSpec } from '#api/kinds/node-network-profile'
import type { NodeNetworkObject, StreamMessage } from '#api/stream'
import { fakeLog } from '#kube/process/log.fake'
import { fakeMetrics } from '#kube/process/metrics.fake'
import { systemClock } from '#kube/process/system-clock'
import { connect } from '#kube/testing/connect'
import { type FakeApiServer, openFakeApiServer } from '#kube/testing/fake-apiserver'
import { until } from '#kube/testing/until'
import { type Agent, startAgent } from './agent.ts'
import { type FakeOperator, openFakeOperator } from './stream/operator.fake.ts'

const coordinates = {
  nodes: { group: '', version: 'v1', kind: 'Node', plural: 'nodes', namespaced: false },
  pods: { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true },
  configMaps: { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true },
  leases: { group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases', namespaced: true },
  events: { group: 'events.k8s.io', version: 'v1', kind: 'Event', plural: 'events', namespaced: true },
  nodeNetworks: { group: 'plexus.dev', version: 'v1alpha1', kind: 'NodeNetwork', plural: 'nodenetworks', namespaced: false },
}
const FLANNEL = JSON.stringify({ cniVersion: '1.0.0', name: 'cbr0', plugins: [{ type: 'bridge', ipam: { type: 'host-local' } }] })
const revision = { epoch: 3, sequence: 1 }

let httpPort: number
let dir = ''
let api: FakeApiServer
let operator: FakeOperator
let agent: Agent | undefined

const at = (...path: readonly string[]): string => join(dir, ...path)
const text = (...path: readonly string[]): string => readFileSync(at(...path), 'utf8')
const json = (...path: readonly string[]): unknown => JSON.parse(text(...path))
const profile = (spec: Partial<ProfileSpec> = {}): StreamMessage => ({
  type: 'put',
  kind: 'profile',
  key: 'profile',
  revision,
  object: {
    name: 'default',
    generation: spec.state === 'Removed' ? 2 : 1,
    spec: { ...profileSpec.parse({}), plugins: ['macvlan'], ...spec },
  },
})
const network = (name: string, type: string): StreamMessage => {
  const object: NodeNetworkObject = {
    state: 'usable',
    uid: name,
    generation: 1,
    config: {
      name,
      cniVersion: '1.0.0',
      form: 'conf',
      plugins: [{ type, capabilities: [], conf: { type } }],
      disableCheck: false,
      disableGC: false,
      loadOnlyInlinedPlugins: false,
    },
  }
  return { type: 'put', kind: 'network', key: `blue/${name}`, revision, object }
}
const synced: StreamMessage = { type: 'synced', revision }

async function start(log = fakeLog()): Promise<Agent> {
  const nodeName = parseNodeName('n1')
  if (nodeName === undefined) throw new Error('n1 is a node name')
  agent = await startAgent({
    flags: {
      nodeName,
      namespace: 'plexus',
      stateDir: at('state'),
      runDir: at('run'),
      confDir: at('net.d'),
      binDir: at('bin'),
      imageBinDir: at('image'),
      bootIdFile: '/proc/sys/kernel/random/boot_id',
      tokenFile: at('token'),
      serviceAccountDir: dir,
      httpHost: '127.0.0.1',
      httpPort,
      streamHost: '127.0.0.1',
      streamPort: operator.port,
      caConfigMap: 'plexus-stream-ca',
      lease: 'plexus-operator',
      logLevel: 'debug',
      netnsDir: at('netns'),
      multusDir: undefined,
      cniCacheDir: at('cache'),
      dhcpSocket: undefined,
      devices: undefined,
    },
    version: '1.2.3',
    client: connect({ url: api.url }),
    clock: systemClock(),
    random: () => 0,
    log,
    metrics: fakeMetrics(),
    signal: new AbortController().signal,
  })
  return agent
}

const conditions = (): Record<string, string> => {
  const status = api.get(coordinates.nodeNetworks, { name: 'n1' })?.['status']
  const list: unknown = typeof status === 'object' && status !== null && 'conditions' in status ? status.conditions : []
  return Object.fromEntries((Array.isArray(list) ? list : []).map(({ type, status, reason }) => [type, `${status} ${reason}`]))
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

const probe = async (path: string): Promise<number> => (await fetch(`http://127.0.0.1:${httpPort}${path}`)).status

beforeEach(async () => {
  httpPort = await freePort()
  dir = mkdtempSync(join(tmpdir(), 'plexus-agent-'))
  for (const folder of ['net.d', 'bin', 'image', 'netns', 'cache']) mkdirSync(at(folder))
  writeFileSync(at('image', 'plexus'), '#!/bin/sh\n# plexus-cni-shim 1\n')
  writeFileSync(at('image', 'macvlan'), '#!/bin/sh\n# macvlan\n')
  writeFileSync(at('bin', 'bridge'), '#!/bin/sh\n', { mode: 0o755 })
  writeFileSync(at('bin', 'host-local'), '#!/bin/sh\n', { mode: 0o755 })
  writeFileSync(at('token'), 'projected\n')
  api = await openFakeApiServer({ resources: Object.values(coordinates) })
  operator = await openFakeOperator()
  api.put(coordinates.nodes, { metadata: { name: 'n1' }, status: { nodeInfo: { containerRuntimeVersion: 'containerd://2.2.1' } } })
  api.put(coordinates.configMaps, { metadata: { namespace: 'plexus', name: 'plexus-stream-ca' }, data: { 'ca.crt': operator.ca } })
})

afterEach(async () => {
  await agent?.stop()
  agent = undefined
  await Promise.all([operator.close(), api.close()])
  rmSync(dir, { recursive: true, force: true })
})

describe('a node agent', () => {
  it('writes nothing into the conf directory before it was told a profile', async () => {
    writeFileSync(at('net.d', '10-flannel.conflist'), FLANNEL)
    operator.greet([synced])
    await start()
    await until('NodeNetwork says why', () => conditions()['Ready'] === 'Unknown ProfileUnknown')
    expect(readdirSync(at('net.d'))).toEqual(['10-flannel.conflist'])
    expect(existsSync(at('run', 'ready'))).toBe(false)
    expect(await probe('/readyz')).toBe(200) // Its pods start as before: `helm install --wait` may go on and create the profile.
  })

  it('sets the node up: binaries, node.json, conf, ready, acknowledgement and NodeNetwork', async () => {
    writeFileSync(at('net.d', '10-flannel.conflist'), FLANNEL)
    operator.greet([profile(), network('a', 'macvlan'), network('b', 'sriov'), synced])
    await start()
    await until('the node is ready', () => conditions()['Ready'] === 'True Serving' && conditions()['StreamConnected'] === 'True Connected')
    await until('it is acknowledged', () => operator.acks.length > 0)
    await until('the ready file', () => existsSync(at('run', 'ready')))
    expect(json('net.d', '00-plexus.conflist')).toMatchObject({
      cniVersion: '1.1.0',
      name: 'plexus',
      plugins: [{ type: 'plexus', stateDir: at('state'), runDir: at('run'), capabilities: { 'io.kubernetes.cri.pod-annotations': true } }],
    })
    expect(json('state', 'node.json')).toMatchObject({
      version: 1,
      primary: { name: 'cbr0', cniVersion: '1.0.0', plugins: [{ type: 'bridge', name: 'cbr0', cniVersion: '1.0.0' }] },
      withoutAgent: 'PrimaryOnly',
      binDirs: [at('bin')],
    })
    expect(text('bin', 'plexus')).toContain('plexus-cni-shim')
    expect(operator.acks[0]?.rejected).toEqual([
      {
        kind: 'network',
        key: 'blue/b',
        reason: 'PluginMissing',
        message: `plugin "sriov" not found on node n1 in ${at('bin')}; install it there, or name its directory in extraBinDirs of the node's NodeNetworkProfile`,
      },
    ])
    expect(operator.opened[0]).toEqual({ path: '/v1/stream?node=n1', authorization: 'Bearer projected' })
    expect(api.get(coordinates.nodeNetworks, { name: 'n1' })?.['status']).toMatchObject({
      agentVersion: '1.2.3',
      profile: 'default',
      revision: '3.1',
      conf: { path: at('net.d', '00-plexus.conflist'), cniVersion: '1.1.0', sha256: sha256(text('net.d', '00-plexus.conflist')) },
      primary: { name: 'cbr0', type: 'bridge' },
      sandboxes: { attached: 0, deleting: 0 },
    })
  })

  it('starts without API server and without operator from what it kept', async () => {
    writeFileSync(at('net.d', '10-flannel.conflist'), FLANNEL)
    operator.greet([profile(), network('a', 'macvlan'), synced])
    const first = await start()
    await until('the node is ready', () => conditions()['Ready'] === 'True Serving')
    await first.stop()
    const before = text('net.d', '00-plexus.conflist')
    await Promise.all([operator.close(), api.close()])
    rmSync(at('run', 'ready'))
    rmSync(at('bin', 'plexus'))
    const log = fakeLog()
    await start(log)
    await until('the ready file', () => existsSync(at('run', 'ready')))
    await until('the shim is back', () => existsSync(at('bin', 'plexus')))
    expect(text('net.d', '00-plexus.conflist')).toBe(before)
    expect(log.messages('error').filter((message) => message.includes('snapshot'))).toEqual([])
  })

  it('leaves the node as it was when the profile says Removed, and not when it merely stops', async () => {
    writeFileSync(at('net.d', '10-flannel.conflist'), FLANNEL)
    const binaries = readdirSync(at('bin'))
    operator.greet([profile(), synced])
    await start()
    await until('the conf is written', () => existsSync(at('net.d', '00-plexus.conflist')))
    operator.greet([synced])
    operator.drop('end')
    await until('it came back', () => operator.opened.length > 1)
    operator.send(profile({ state: 'Removed' }))
    await until('the node is clean', () => conditions()['Ready'] === 'True Removed')
    expect(readdirSync(at('net.d'))).toEqual(['10-flannel.conflist'])
    expect(readdirSync(at('bin'))).toEqual(binaries)
  })

  it('puts a deleted conf and binary back', async () => {
    writeFileSync(at('net.d', '10-flannel.conflist'), FLANNEL)
    operator.greet([profile(), synced])
    await start()
    await until('the node is ready', () => conditions()['Ready'] === 'True Serving')
    rmSync(at('net.d', '00-plexus.conflist'))
    rmSync(at('bin', 'plexus'))
    await until('both are back', () => existsSync(at('net.d', '00-plexus.conflist')) && existsSync(at('bin', 'plexus')))
  })

  it('writes NodeNetwork once when nothing changes', async () => {
    writeFileSync(at('net.d', '10-flannel.conflist'), FLANNEL)
    operator.greet([profile(), synced])
    await start()
    await until('the node is ready', () => conditions()['Ready'] === 'True Serving' && conditions()['StreamConnected'] === 'True Connected')
    const writes = (): number =>
      api.requests.filter(({ method, path }) => method === 'PATCH' && path.endsWith('/nodenetworks/n1/status')).length
    const before = writes()
    operator.send(profile(), profile())
    const acks = operator.acks.length
    operator.send({ type: 'put', kind: 'namespace', key: 'blue', revision: { epoch: 3, sequence: 2 }, object: { labels: {} } })
    await until('it is acknowledged', () => operator.acks.length > acks)
    // Only the revision is new, and that is said.
    await until('the revision is told', () => writes() > before)
    expect(writes()).toBe(before + 1)
  })
})

function sha256(value: string): string {
  return createHash('sha256').update(value).digest('hex')
}
