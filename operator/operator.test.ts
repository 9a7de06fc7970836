import { rounds, until } from '#kube/testing/until'
import { openTestClient, type TestClient } from './testing/stream-client.ts'
import { namespaceResource, networkResource, nodeResource, profileResource } from './resources.ts'
import { caOf, type Cluster, leases, NAMESPACE, openCluster, record, type Replica, SERVER_NAME, slices } from './testing/cluster.ts'
import type { Revision } from '#api/stream'

const macvlan = JSON.stringify({ cniVersion: '1.0.0', type: 'macvlan', master: 'eth1', ipam: { type: 'host-local' } })

let cluster: Cluster
const replicas: Replica[] = []
const clients: TestClient[] = []

beforeEach(async () => {
  cluster = await openCluster()
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await Promise.all(replicas.splice(0).map(({ operator }) => operator.stop()))
  await cluster.close()
})

async function lead(identity = 'one'): Promise<Replica> {
  const replica = await cluster.replica(identity)
  replicas.push(replica)
  await until(
    `${identity} serves the stream`,
    () => replica.operator.streamPort() !== undefined && replica.log.messages('info').includes('the stream is served'),
  )
  return replica
}

async function agent(node: string, { operator }: Pick<Replica, 'operator'>, token = `agent-of-${node}`): Promise<TestClient> {
  const client = await openTestClient({ port: operator.streamPort() ?? 0, ca: caOf(cluster), servername: SERVER_NAME, token, node })
  clients.push(client)
  if (client.status === 200) await until(`${node} is synced`, () => client.isSynced())
  return client
}

function lastRevision(client: TestClient): Revision {
  const last = client.messages.findLast((message) => message.type !== 'ping')
  return last === undefined ? { epoch: 0, sequence: 0 } : last.revision
}

function ready(name: string): Readonly<Record<string, unknown>> {
  return conditionOf(cluster.status(name), 'Ready')
}

describe('the operator', () => {
  it('renders a network, streams it and counts the acks into its status', async () => {
    cluster.profile('default')
    cluster.node('a')
    cluster.node('b')
    cluster.network('macvlan', macvlan)
    const leader = await lead()
    const [a, b] = [await agent('a', leader), await agent('b', leader)]
    expect(a.held().get('network default/macvlan')).toMatchObject({ state: 'usable', config: { name: 'macvlan' } })
    expect(a.held().get('profile profile')).toMatchObject({ name: 'default', spec: { state: 'Installed' } })
    expect(a.held().get('namespace default')).toEqual({ labels: { team: 'x' } })

    await a.ack({ revision: lastRevision(a), rejected: [] })
    await until('one of two nodes confirmed', () => record(cluster.status('macvlan')['nodes'])['summary'] === '1/2')
    expect(ready('macvlan')).toMatchObject({
      status: 'False',
      reason: 'WaitingForNodes',
      message: '1 of 2 nodes have not confirmed yet: b',
    })

    await b.ack({ revision: lastRevision(b), rejected: [] })
    await until('both nodes confirmed', () => ready('macvlan')['status'] === 'True')
    expect(cluster.status('macvlan')).toMatchObject({
      observedGeneration: 1,
      type: 'macvlan',
      ipam: 'host-local',
      cniVersion: '1.0.0',
      nodes: { desired: 2, ready: 2, summary: '2/2' },
      pods: 0,
    })
    await until('the event is written', () => cluster.events().includes('Rendered'))
  })

  it.each([
    ['broken JSON', '{', 'InvalidConfig'],
    ['a plugin type with a path', '{"type":"../sh"}', 'InvalidConfig'],
    ['Multus as a delegate', '{"type":"multus"}', 'InvalidConfig'],
    ['a placeholder that the node lacks', '{"type":"macvlan","master":"${node.labels[\'uplink\']}"}', 'MissingValue'],
  ])('reports %s in status, event and on the node, and serves other networks all the same', async (_, config, reason) => {
    cluster.profile('default')
    cluster.node('a')
    cluster.network('bad', config)
    cluster.network('good', macvlan)
    const a = await agent('a', await lead())
    await a.ack({ revision: lastRevision(a), rejected: [] })
    await until('the good network is ready', () => ready('good')['status'] === 'True')
    expect(ready('bad')).toMatchObject({ status: 'False', reason, observedGeneration: 1 })
    expect(a.held().get('network default/bad')).toMatchObject({ state: 'rejected', message: ready('bad')['message'] })
    await until('events are written', () => cluster.events().length >= 2)
    expect(cluster.events()).toContain(reason)
  })

  it('reports a plugin that is missing on one node with the words of its agent', async () => {
    cluster.profile('default')
    cluster.node('a')
    cluster.network('net', macvlan)
    const a = await agent('a', await lead())
    const message = 'plugin "macvlan" not found on node a; install it in /opt/cni/bin'
    await a.ack({ revision: lastRevision(a), rejected: [{ kind: 'network', key: 'default/net', reason: 'PluginMissing', message }] })
    await until('it is reported', () => ready('net')['reason'] === 'NodesRejected')
    expect(cluster.status('net')).toMatchObject({ nodes: { summary: '0/1', failed: ['a'] } })
    expect(ready('net')['message']).toBe(message)
    await a.ack({ revision: lastRevision(a), rejected: [] })
    await until('it is ready once the plugin is there', () => ready('net')['status'] === 'True')
  })

  it('writes nothing at all while nothing changes, not even when everything is looked at again', async () => {
    cluster.profile('default')
    cluster.node('a')
    cluster.network('net', macvlan)
    cluster.network('bad', '{')
    cluster.nodeNetwork('a', { profile: 'default', conditions: [condition('Ready')] })
    const a = await agent('a', await lead())
    await a.ack({ revision: lastRevision(a), rejected: [] })
    await until('all is told', () => ready('net')['status'] === 'True' && cluster.events().length === 3)
    const writes = (): readonly string[] => cluster.writes().filter((write) => !write.includes('/leases'))
    const before = writes()
    cluster.crd(true) // Has every network and profile looked at again.
    await until('the CRD was seen', () => cluster.api.requests.some(({ path }) => path.includes('customresourcedefinitions')))
    await until(
      'they were looked at',
      () => (replicas[0]?.metrics.value('reconcile_total', { controller: 'networks', outcome: 'done' }) ?? 0) > 1,
    )
    await rounds()
    expect(writes()).toEqual(before)
  })

  it('counts pods from what agents report', async () => {
    cluster.profile('default')
    cluster.node('a')
    cluster.network('net', macvlan)
    await lead()
    cluster.nodeNetwork('a', { networks: [{ network: 'default/net', pods: 2 }] })
    cluster.nodeNetwork('b', { networks: [{ network: 'default/net', pods: 3 }] })
    await until('five pods are counted', () => cluster.status('net')['pods'] === 5)
    cluster.nodeNetwork('b', { networks: [] })
    await until('two are left', () => cluster.status('net')['pods'] === 2)
  })

  it('streams what changes: networks, labels of nodes, namespaces, profiles', async () => {
    cluster.profile('default')
    cluster.node('a', { uplink: 'ens1' })
    const a = await agent('a', await lead())
    cluster.network('net', JSON.stringify({ type: 'macvlan', master: "${node.labels['uplink']}" }))
    await until('the new network arrives', () => a.held().has('network default/net'))
    cluster.node('a', { uplink: 'ens2' })
    await until('it follows the label', () => JSON.stringify(a.held().get('network default/net')).includes('ens2'))
    cluster.api.put(namespaceResource, { metadata: { name: 'other', labels: { team: 'y' } } })
    await until('the namespace arrives', () => a.held().has('namespace other'))
    cluster.profile('default', { log: { level: 'debug' } })
    await until('the profile follows', () => JSON.stringify(a.held().get('profile profile')).includes('debug'))
    cluster.api.objects.delete(networkResource, { namespace: 'default', name: 'net' })
    await until('the network goes', () => !a.held().has('network default/net'))
  })

  it('keeps a profile in force that is deleted, and one whose edit is invalid', async () => {
    cluster.profile('default')
    cluster.node('a')
    cluster.network('net', macvlan)
    const a = await agent('a', await lead())
    cluster.profile('default', { plugins: ['../sh'] })
    await until('the edit is refused', () => conditionOf(profileStatus(), 'Stalled')['reason'] === 'InvalidProfile')
    cluster.api.objects.delete(profileResource, { name: 'default' })
    cluster.network('later', macvlan)
    await until('networks still arrive', () => a.held().has('network default/later'))
    expect(a.held().get('profile profile')).toMatchObject({ name: 'default', spec: { state: 'Installed' } })
    expect(JSON.stringify(a.held().get('profile profile'))).not.toContain('../sh')
  })

  it('takes networks off a node only when its profile says Removed', async () => {
    cluster.profile('default')
    cluster.node('a')
    cluster.network('net', macvlan)
    const a = await agent('a', await lead())
    cluster.profile('default', { state: 'Removed' })
    await until('the network is gone', () => !a.held().has('network default/net'))
    expect(a.held().get('profile profile')).toMatchObject({ spec: { state: 'Removed' } })
    await until('no node shall have it', () => record(cluster.status('net')['nodes'])['desired'] === 0)
  })

  it('ends the stream of a node that is removed and counts it no more', async () => {
    cluster.profile('default')
    cluster.node('a')
    cluster.node('b')
    cluster.network('net', macvlan)
    const leader = await lead()
    const [a, b] = [await agent('a', leader), await agent('b', leader)]
    await a.ack({ revision: lastRevision(a), rejected: [] })
    cluster.api.objects.delete(nodeResource, { name: 'b' })
    await until('one of one is left', () => record(cluster.status('net')['nodes'])['summary'] === '1/1')
    await until('the stream ended', () => b.isEnded())
  })

  it.each([
    ['no token', undefined, 'a', 401],
    ['a token that is not valid', 'stale', 'a', 401],
    ["a pod's token of the same node", 'pod-of-a', 'a', 401],
    ["another node's token", 'agent-of-b', 'a', 403],
  ])('refuses a stream with %s', async (_, token, node, status) => {
    cluster.profile('default')
    cluster.node('a')
    const { operator } = await lead()
    const options = { port: operator.streamPort() ?? 0, ca: caOf(cluster), servername: SERVER_NAME, node }
    const client = await openTestClient(token === undefined ? options : { ...options, token })
    clients.push(client)
    expect(client.status).toBe(status)
    expect(client.messages).toEqual([])
  })

  it('asks an agent to come back when the API server cannot review its token', async () => {
    cluster.node('a')
    const { operator } = await lead()
    cluster.api.fault({ path: /tokenreviews$/ }, { kind: 'answer', status: 403, reason: 'Forbidden' })
    const options = { port: operator.streamPort() ?? 0, ca: caOf(cluster), servername: SERVER_NAME, node: 'a', token: 'agent-of-a' }
    const client = await openTestClient(options)
    clients.push(client)
    expect(client.status).toBe(503)
  })

  it.each([
    ['of another term', { revision: { epoch: 1, sequence: 1 }, rejected: [] }, 409],
    ['that is none', { revision: { epoch: -1, sequence: 1 }, rejected: [] }, 400],
  ])('refuses an ack %s', async (_, ack, status) => {
    cluster.node('a')
    const a = await agent('a', await lead())
    expect(await a.ack(ack)).toBe(status)
  })

  it('hands over: streams end with the term, the epoch rises, statuses do not flap', async () => {
    cluster.profile('default')
    cluster.node('a')
    cluster.network('net', macvlan)
    const first = await lead('one')
    const a = await agent('a', first)
    await a.ack({ revision: lastRevision(a), rejected: [] })
    await until('it is ready', () => ready('net')['status'] === 'True')
    const second = await cluster.replica('two')
    replicas.push(second)
    await first.operator.stop()
    replicas.splice(replicas.indexOf(first), 1)
    await until('the stream ended', () => a.isEnded())
    await until('the other one leads', () => second.log.messages('info').includes('the stream is served'), 20_000)
    const again = await agent('a', second)
    expect(lastRevision(again).epoch).toBeGreaterThan(lastRevision(a).epoch)
    expect(ready('net')['status']).toBe('True')
    expect(cluster.api.objects.list(slices)).toHaveLength(1)
    await again.ack({ revision: lastRevision(again), rejected: [] })
    cluster.network('net', macvlan.replace('eth1', 'eth2'))
    await until('the new leader renders', () => cluster.status('net')['observedGeneration'] === 2)
  }, 30_000)

  it('ends every stream and writes nothing more when somebody else holds the lease', async () => {
    cluster.profile('default')
    cluster.node('a')
    const { operator, log } = await lead()
    const a = await agent('a', { operator })
    const lease = cluster.api.get(leases, { namespace: NAMESPACE, name: 'plexus-operator' })
    const spec = { ...record(lease?.['spec']), holderIdentity: 'thief', renewTime: '2126-01-01T00:00:00.000000Z' }
    cluster.api.put(leases, { metadata: { namespace: NAMESPACE, name: 'plexus-operator' }, spec })
    await until('the stream ended', () => a.isEnded())
    expect([operator.isLeader(), operator.streamPort()]).toEqual([false, undefined])
    expect(log.messages('warn')).toContain('this replica leads no longer')
    const before = cluster.writes()
    cluster.network('net', macvlan)
    await rounds()
    expect(cluster.writes()).toEqual(before)
  })

  it('ends the stream of an agent that does not read, and serves the others', async () => {
    cluster.profile('default')
    cluster.node('a')
    cluster.node('b')
    const leader = await lead()
    const [stuck, reading] = [await agent('a', leader), await agent('b', leader)]
    stuck.pause()
    for (let index = 0; index < 60; index += 1)
      cluster.network(`net${index}`, JSON.stringify({ type: 'macvlan', filler: 'x'.repeat(20_000) }))
    await until('the others have everything', () => reading.held().has('network default/net59'))
    await until('it was given up', () => leader.metrics.value('stream_resets_total', { reason: 'slow' }) === 1)
    const again = await agent('a', leader)
    expect(again.held().size).toBe(reading.held().size)
  })

  it('stops writing when another installer replaced the CRD, says so on the profile, and goes on when it is back', async () => {
    cluster.profile('default')
    cluster.node('a')
    cluster.network('net', macvlan)
    cluster.crd(false)
    const { metrics } = await lead()
    await until('the profile tells', () => conditionOf(profileStatus(), 'NADStatusSchema')['status'] === 'False')
    expect(conditionOf(profileStatus(), 'NADStatusSchema')).toMatchObject({
      reason: 'SchemaReplaced',
      message: expect.stringContaining('Helm release sriov-network-operator'),
    })
    expect(metrics.value('nad_status_schema')).toBe(0)
    expect(cluster.writes().filter((write) => write.includes('network-attachment-definitions'))).toEqual([])
    cluster.crd(true)
    await until('the status is written', () => cluster.status('net')['observedGeneration'] === 1)
    await until('the profile is quiet', () => conditionOf(profileStatus(), 'NADStatusSchema')['status'] === undefined)
    expect(metrics.value('nad_status_schema')).toBe(1)
  })

  it('is ready as soon as its stores are warm, leader or not, and shows its metrics', async () => {
    cluster.profile('default')
    await lead('one')
    const second = await cluster.replica('two')
    replicas.push(second)
    const get = async (path: string): Promise<number> => (await fetch(`http://127.0.0.1:${second.operator.httpPort}${path}`)).status
    await until('it is warm', () => second.operator.isReady())
    expect([await get('/readyz'), await get('/healthz'), await get('/metrics'), second.operator.isLeader()]).toEqual([200, 200, 200, false])
  })

  it('leaves streams alone while the API server is away for a moment', async () => {
    cluster.profile('default')
    cluster.node('a')
    const leader = await lead()
    const a = await agent('a', leader)
    cluster.api.fault({ times: 20 }, { kind: 'answer', status: 503 })
    cluster.network('net', macvlan)
    await until('what is new arrives afterwards', () => a.held().has('network default/net'))
    expect(a.isEnded()).toBe(false)
  })
})

function condition(type: string): Readonly<Record<string, string>> {
  return { type, status: 'True', reason: 'Installed', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }
}

function profileStatus(): Readonly<Record<string, unknown>> {
  return record(cluster.api.get(profileResource, { name: 'default' })?.['status'])
}

function conditionOf(status: Readonly<Record<string, unknown>>, type: string): Readonly<Record<string, unknown>> {
  const { conditions } = status
  return record(Array.isArray(conditions) ? conditions.find((each) => record(each)['type'] === type) : undefined)
}
