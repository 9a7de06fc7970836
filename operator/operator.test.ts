import { until } from '#kube/testing/until'
import { openTestClient, type TestClient } from './testing/stream-client.ts'
import { caOf, type Cluster, openCluster, record, type Replica, SERVER_NAME } from './testing/cluster.ts'
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

async function agent(node: string, { operator }: Replica, token = `agent-of-${node}`): Promise<TestClient> {
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
  const conditions = cluster.status(name)['conditions']
  return record(Array.isArray(conditions) ? conditions.find((condition) => record(condition)['type'] === 'Ready') : undefined)
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
})
