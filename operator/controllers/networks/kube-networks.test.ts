import { fakeClock } from '#kube/process/clock.fake'
import { fakeLog } from '#kube/process/log.fake'
import { fakeMetrics } from '#kube/process/metrics.fake'
import { systemClock } from '#kube/process/system-clock'
import { networkResource } from '../../resources.ts'
import { openAcks } from '../../stream/acks.ts'
import { openHub } from '../../stream/hub.ts'
import { network, profile } from '../../testing/build.ts'
import { type Cluster, openCluster } from '../../testing/cluster.ts'
import { startWorld } from '../../world.ts'
import { openRulings } from '../nodes/rulings.ts'
import { openKubeNetworks } from './kube-networks.ts'
import { fakeNetworks } from './networks.fake.ts'
import { networksContract, type NetworksUnderTest } from './networks.contract.ts'
import { openStatusSchema } from './status-schema.ts'

async function openAdapter() {
  const cluster: Cluster = await openCluster()
  cluster.network('net', '{"type":"macvlan"}')
  cluster.node('a')
  const [log, metrics] = [fakeLog(), fakeMetrics()]
  const world = startWorld({ client: cluster.client, clock: systemClock(), random: Math.random, log, metrics })
  await world.synced(new AbortController().signal)
  const rulings = openRulings()
  rulings.learn([profile('default')])
  rulings.rule({ name: 'a', labels: {} }, undefined)
  const hub = openHub(1)
  const notes: string[] = []
  const networks = openKubeNetworks({
    client: cluster.client,
    networks: world.networks,
    nodes: world.nodes,
    nodeNetworks: world.nodeNetworks,
    rulings,
    hub,
    acks: openAcks({ hub, onChange: () => undefined }),
    events: {
      record: ({ about, reason }) => void notes.push(`${about.kind} ${about.metadata.name} ${reason}`),
      flush: async () => undefined,
    },
    schema: openStatusSchema({ crds: world.crds, clock: fakeClock(), log, metrics, onChange: () => undefined }),
    isSettling: () => false,
  })
  const close = async (): Promise<void> => {
    await world.stop()
    await cluster.close()
  }
  return { cluster, networks, notes, hub, close }
}

const statusPath = /network-attachment-definitions\/net\/status$/

describe('Networks on the API server', () => {
  networksContract(async (): Promise<NetworksUnderTest> => {
    const { cluster, networks, close } = await openAdapter()
    const stored = cluster.api.get(networkResource, { namespace: 'default', name: 'net' })
    const { status: _, ...pruned } = stored ?? { metadata: { name: '' } }
    return {
      networks,
      deleteBehind: () => {
        cluster.api.fault({ path: statusPath }, { kind: 'answer', status: 404, reason: 'NotFound' })
        cluster.api.fault(
          { method: 'GET', path: /network-attachment-definitions\/net$/ },
          { kind: 'answer', status: 404, reason: 'NotFound' },
        )
      },
      prune: () => cluster.api.fault({ path: statusPath }, { kind: 'answer', status: 200, text: JSON.stringify(pruned) }),
      close,
    }
  })

  it('takes a missing status subresource for a replaced CRD, and tries no more for a while', async () => {
    const { cluster, networks, close } = await openAdapter()
    cluster.api.fault({ path: statusPath }, { kind: 'answer', status: 404, reason: 'NotFound' })
    const write = (): Promise<string> =>
      networks.writeStatus('default/net', { observedGeneration: 1 }, { signal: new AbortController().signal })
    expect(await write()).toBe('pruned')
    const before = cluster.api.requests.length
    expect(await write()).toBe('pruned')
    expect(cluster.api.requests.length).toBe(before)
    await close()
  })

  it('tells events on the NAD itself', async () => {
    const { networks, notes, close } = await openAdapter()
    networks.tell('default/net', { type: 'Normal', reason: 'Rendered', message: 'm' })
    networks.tell('default/gone', { type: 'Normal', reason: 'Rendered', message: 'm' })
    expect(notes).toEqual(['NetworkAttachmentDefinition net Rendered'])
    await close()
  })
})

describe('Networks in memory', () => {
  networksContract(async () => {
    const networks = fakeNetworks()
    networks.world.set('default/net', network())
    return {
      networks,
      deleteBehind: () => networks.world.clear(),
      prune: () => {
        networks.pruning = true
      },
      close: async () => undefined,
    }
  })
})
