import { NETWORK_STATUS_KEY } from '#api/annotations/keys'
import { until } from '#kube/testing/until'
import { pods } from '../pods/pod.ts'
import { apiCalls, detachedOf, openShimWorld } from './testing/shim-calls.ts'
import { operation, type World } from './testing/world.ts'

let world: World
beforeEach(async () => {
  world = await openShimWorld()
  await world.start()
})
afterEach(() => world.close())

const V4 = 'default via 10.1.0.1 dev eth0'
const V6 = 'default via fd01::1 dev eth0 metric 1024'
const asks = (element: object): object => ({ annotations: { 'k8s.v1.cni.cncf.io/networks': JSON.stringify([{ name: 'a', ...element }]) } })

const RESULTS = [
  {
    network: 'cluster',
    ifName: 'eth0',
    result: {
      cniVersion: '1.0.0',
      interfaces: [{ name: 'eth0', sandbox: '/run/netns/c1' }],
      ips: [{ address: '10.1.0.2/24', gateway: '10.1.0.1', interface: 0 }],
      routes: [
        { dst: '0.0.0.0/0', gw: '10.1.0.1' },
        { dst: '::/0', gw: 'fd01::1' },
      ],
    },
  },
  {
    network: 'default/a',
    ifName: 'net1',
    result: {
      cniVersion: '1.0.0',
      interfaces: [{ name: 'net1', sandbox: '/run/netns/c1' }],
      ips: [{ address: '10.2.0.2/24', interface: 0 }],
    },
  },
]
const BODY = { protocol: 1, containerId: 'c1', results: RESULTS, failed: [] }

interface StatusItem {
  readonly interface: string
  readonly gateway?: readonly string[]
}

const statusOf = (): readonly StatusItem[] => {
  const pod = world.api.get(pods, { namespace: 'default', name: 'web' })
  return JSON.parse(pod?.metadata.annotations?.[NETWORK_STATUS_KEY] ?? '[]')
}

describe('a commit of a pod that asks for a default route', () => {
  it('moves it, and printed result, record and network-status say so', async () => {
    await world.post('/v1/plan', operation('c1', asks({ 'default-route': ['10.2.0.1'] })))
    const answer = await world.post('/v1/commit', BODY)
    expect(world.routes.routes()).toEqual(['default via 10.2.0.1 dev net1', V6])
    expect(answer).toMatchObject({ status: 200, body: { result: { routes: [{ dst: '::/0', gw: 'fd01::1' }] } } })
    expect((await world.record('c1')).attachments).toMatchObject([
      { result: { routes: [{ dst: '::/0' }] } },
      { defaultRoute: { gateways: ['10.2.0.1'] }, result: { routes: [{ dst: '0.0.0.0/0', gw: '10.2.0.1' }] } },
    ])
    expect(statusOf().map((item) => [item.interface, item.gateway])).toEqual([
      ['eth0', ['fd01::1']],
      ['net1', ['10.2.0.1']],
    ])
  })

  it('is refused with its cause when the kernel refuses; then nothing was moved, recorded or written, and the shim rolls back', async () => {
    world.routes.refuse('append', 'Nexthop has invalid gateway')
    await world.post('/v1/plan', operation('c1', asks({ 'default-route': ['10.9.0.1'] })))
    expect(await world.post('/v1/commit', BODY)).toMatchObject({
      status: 400,
      body: { code: 7, details: 'DefaultRouteFailed', msg: expect.stringContaining('10.9.0.1 over net1') },
    })
    expect([world.routes.routes(), apiCalls(world)]).toEqual([[V4, V6], []])
    expect((await world.record('c1')).state).toBe('planned')
    await world.post('/v1/detached', detachedOf('c1'))
    expect((await world.record('c1')).state).toBe('gone')
  })

  it('has the former routes back when the commit fails after them', async () => {
    world.snapshot.setProfile({ statusWrite: 'Fail' })
    world.api.fault({ method: 'PATCH' }, { kind: 'answer', status: 403, reason: 'Forbidden' })
    await world.post('/v1/plan', operation('c1', asks({ 'default-route': ['10.2.0.1'] })))
    expect(await world.post('/v1/commit', BODY)).toMatchObject({ body: { details: 'StatusNotWritten' } })
    expect(world.routes.routes()).toEqual([V4, V6])
  })

  it('costs nothing for a pod that does not ask', async () => {
    await world.post('/v1/plan', operation('c1', asks({})))
    expect(await world.post('/v1/commit', BODY)).toMatchObject({ status: 200 })
    expect(world.routes.steps).toEqual([])
    expect((await world.record('c1')).attachments[0]?.result?.['routes']).toHaveLength(2)
  })

  it('owes the moved gateways, too, when the API server is away', async () => {
    world.api.fault({ method: 'PATCH' }, { kind: 'answer', status: 403, reason: 'Forbidden' })
    await world.post('/v1/plan', operation('c1', asks({ 'default-route': ['10.2.0.1'] })))
    expect(await world.post('/v1/commit', BODY)).toMatchObject({ status: 200 })
    expect(await world.record('c1')).toMatchObject({ statusPending: true })
    const agentOfLater = await world.start() // The debt is in the record: another agent pays it.
    expect(agentOfLater.counts().attached).toBe(1)
    await until('the status is paid', () => statusOf().length === 2)
    expect(statusOf()[1]?.gateway).toEqual(['10.2.0.1'])
  })
})
