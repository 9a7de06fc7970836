// What every Networks promises its controller; run against the fake and against the adapter on a fake API server.
import type { NetworkStatus } from '#api/kinds/network-attachment-definition'
import type { NodeNetworkObject } from '#api/stream'
import type { Networks } from './networks.ts'

/** A world with the network `default/net` and one installed node `a`. */
export interface NetworksUnderTest {
  readonly networks: Networks
  /** Deletes the NAD, and only the API server knows yet. */
  deleteBehind(): void
  /** Has the API server drop statuses. */
  prune(): void
  close(): Promise<void>
}

const never = new AbortController().signal
const status: NetworkStatus = {
  observedGeneration: 1,
  conditions: [
    { type: 'Ready', status: 'True', reason: 'Rendered', message: 'm', observedGeneration: 1, lastTransitionTime: '2026-01-01T00:00:00Z' },
  ],
  nodes: { desired: 1, ready: 1, summary: '1/1' },
  pods: 0,
}
const object: NodeNetworkObject = { state: 'usable', uid: 'uid', generation: 1 }

export function networksContract(open: () => Promise<NetworksUnderTest>): void {
  let world: NetworksUnderTest
  beforeEach(async () => {
    world = await open()
  })
  afterEach(() => world.close())

  it('shows a network with the nodes that shall have it', () => {
    expect(world.networks.keys()).toEqual(['default/net'])
    expect(world.networks.observe('default/net')).toMatchObject({
      name: 'net',
      generation: 1,
      nodes: [{ node: { name: 'a' } }],
      pods: 0,
      status: undefined,
    })
    expect(world.networks.observe('default/other')).toBeUndefined()
  })

  it('shows a status as soon as it is written', async () => {
    expect(await world.networks.writeStatus('default/net', status, { signal: never })).toBe('written')
    expect(world.networks.observe('default/net')?.status).toEqual(status)
  })

  it('tells that a network is gone', async () => {
    world.deleteBehind()
    expect(await world.networks.writeStatus('default/net', status, { signal: never })).toBe('gone')
  })

  it('tells that a status was dropped', async () => {
    world.prune()
    expect(await world.networks.writeStatus('default/net', status, { signal: never })).toBe('pruned')
    expect(world.networks.observe('default/net')?.status).toBeUndefined()
  })

  it('takes over what nodes shall hold', () => {
    world.networks.publish('default/net', new Map([['a', object]]))
    world.networks.publish('default/net', new Map())
    expect(world.networks.isSettling()).toBe(false)
  })
}
