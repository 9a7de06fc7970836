import { fakeClock } from '#kube/process/clock.fake'
import { facts, macvlan, network } from '../../testing/build.ts'
import { reconcileNetwork } from './network-controller.ts'
import { fakeNetworks } from './networks.fake.ts'

const never = new AbortController().signal

function setUp() {
  const networks = fakeNetworks()
  const reconcile = reconcileNetwork({ networks, clock: fakeClock() })
  return { networks, reconcile: () => reconcile('default/net', never) }
}

describe('reconcileNetwork', () => {
  it.each([
    ['ready', macvlan(), 'confirmed'],
    ['waiting', macvlan(), 'waiting'],
    ['invalid', '{', 'confirmed'],
  ] as const)('writes nothing the second time when the network is %s', async (_, config, kind) => {
    const { networks, reconcile } = setUp()
    networks.world.set('default/net', network({ config }))
    networks.answers.set('default/net a', { kind })
    const first = await reconcile()
    expect(networks.writes).toHaveLength(1)
    expect(await reconcile()).toEqual(first)
    expect(networks.writes).toHaveLength(1)
  })

  it('tells each transition once', async () => {
    const { networks, reconcile } = setUp()
    networks.world.set('default/net', network())
    await reconcile()
    networks.world.set('default/net', network({ ...networks.world.get('default/net'), config: '{', generation: 2 }))
    await reconcile()
    await reconcile()
    networks.world.set('default/net', network({ ...networks.world.get('default/net'), config: macvlan(), generation: 3 }))
    await reconcile()
    expect(networks.events.map(({ type, reason }) => `${type} ${reason}`)).toEqual([
      'Normal Rendered',
      'Warning InvalidConfig',
      'Normal Rendered',
    ])
  })

  it('is not news when only a count changes', async () => {
    const { networks, reconcile } = setUp()
    networks.world.set('default/net', network())
    await reconcile()
    networks.world.set('default/net', network({ ...networks.world.get('default/net'), pods: 5 }))
    await reconcile()
    expect(networks.world.get('default/net')?.status?.pods).toBe(5)
    expect(networks.events).toHaveLength(1)
  })

  it('withdraws a network that was deleted', async () => {
    const { networks, reconcile } = setUp()
    networks.world.set('default/net', network())
    await reconcile()
    networks.world.clear()
    expect(await reconcile()).toEqual({ kind: 'done' })
    expect(networks.published.size).toBe(0)
  })

  it('keeps the old count while agents come over to a new leader', async () => {
    const { networks, reconcile } = setUp()
    networks.world.set('default/net', network({ nodes: [facts('a')] }))
    await reconcile()
    networks.answers.set('default/net a', { kind: 'waiting' })
    networks.settling = true
    expect(await reconcile()).toEqual({ kind: 'waiting', for: 'agents to connect to this leader', afterMs: 5000 })
    expect(networks.writes).toHaveLength(1)
    networks.settling = false
    await reconcile()
    expect(networks.world.get('default/net')?.status?.nodes?.summary).toBe('0/1')
  })

  it('stays away for a while when the status is pruned, and tells nothing', async () => {
    const { networks, reconcile } = setUp()
    networks.world.set('default/net', network())
    networks.pruning = true
    expect(await reconcile()).toMatchObject({ kind: 'waiting', afterMs: 60_000 })
    expect(networks.events).toEqual([])
  })
})
