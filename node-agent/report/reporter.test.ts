// When NodeNetwork is written, counted at an API server in memory.
import type { EventNote } from '#kube/events'
import { fakeClock, type FakeClock } from '#kube/process/clock.fake'
import { fakeLog } from '#kube/process/log.fake'
import { fakeMetrics } from '#kube/process/metrics.fake'
import { connect } from '#kube/testing/connect'
import { type FakeApiServer, openFakeApiServer } from '#kube/testing/fake-apiserver'
import type { StreamState } from '../stream/client.ts'
import { openNodeNetworks } from './node-networks.ts'
import type { NodeFacts } from './plan-node-status.ts'
import { openReporter, type Reporter } from './reporter.ts'

const nodeNetworks = { group: 'plexus.dev', version: 'v1alpha1', kind: 'NodeNetwork', plural: 'nodenetworks', namespaced: false }
const away: StreamState = { kind: 'away', message: 'gone' }

let api: FakeApiServer
let clock: FakeClock
let notes: EventNote[]
let facts: Omit<NodeFacts, 'generation'>
let uid: string | undefined
let reporter: Reporter

const { signal } = new AbortController()
const run = (): Promise<void> => reporter.run(signal)
const writes = (): number => api.requests.filter(({ method }) => method !== 'GET').length
const attached = (count: number): void => {
  facts = { ...facts, sandboxes: { attached: count, deleting: 0 } }
}

beforeEach(async () => {
  api = await openFakeApiServer({ resources: [nodeNetworks] })
  clock = fakeClock()
  notes = []
  uid = 'node-uid'
  facts = {
    view: undefined,
    stream: { kind: 'connected' },
    revision: undefined,
    listening: true,
    agentVersion: '1',
    conf: undefined,
    sandboxes: { attached: 0, deleting: 0 },
    networks: new Map(),
  }
  reporter = openReporter({
    networks: openNodeNetworks({ client: connect({ url: api.url }), node: 'n1' }),
    nodeInfo: {
      current: () => (uid === undefined ? undefined : { uid, containerRuntimeVersion: '' }),
      cniVersion: () => undefined,
      refresh: async () => undefined,
    },
    facts: () => facts,
    events: { record: (note) => void notes.push(note), flush: async () => undefined },
    clock,
    log: fakeLog(),
    metrics: fakeMetrics(),
  })
})
afterEach(() => api.close())

describe('the reporter', () => {
  it('creates the object, owned by the Node, and writes its status once', async () => {
    await run()
    await run()
    expect(writes()).toBe(2)
    expect(api.get(nodeNetworks, { name: 'n1' })?.metadata).toMatchObject({
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'node-uid' }],
    })
  })

  it('waits until the Node is known', async () => {
    uid = undefined
    await run()
    expect(writes()).toBe(0)
    uid = 'node-uid'
    await run()
    expect(writes()).toBe(2)
  })

  it('finds after a restart that nothing changed', async () => {
    await run()
    const before = api.get(nodeNetworks, { name: 'n1' })?.['status']
    await clock.advance(60_000)
    facts = { ...facts }
    await run()
    expect(writes()).toBe(2)
    expect(api.get(nodeNetworks, { name: 'n1' })?.['status']).toEqual(before)
  })

  it('writes counts at most every ten seconds, anything else at once', async () => {
    await run()
    attached(1)
    await run()
    expect(writes()).toBe(2)
    await clock.advance(10_000)
    await run()
    expect(writes()).toBe(3)
    facts = { ...facts, stream: away }
    await run()
    expect(writes()).toBe(4)
  })

  it('tells a transition in one event, and the first report in none', async () => {
    await run()
    expect(notes).toEqual([])
    facts = { ...facts, stream: away }
    await run()
    await run()
    expect(notes).toEqual([
      {
        about: { apiVersion: 'plexus.dev/v1alpha1', kind: 'NodeNetwork', metadata: { name: 'n1', uid: expect.any(String) } },
        type: 'Warning',
        reason: 'OperatorAway',
        action: 'StreamConnected',
        message: 'gone',
      },
    ])
  })

  it('makes a deleted object again', async () => {
    const client = connect({ url: api.url })
    await run()
    await client.delete({ ...nodeNetworks, parse: (value) => value }, { name: 'n1' })
    facts = { ...facts, stream: away }
    await run()
    await run()
    expect(api.get(nodeNetworks, { name: 'n1' })).toBeDefined()
    await client.close()
  })

  it('fails without an API server and says everything later', async () => {
    api.fault({ times: 1 }, { kind: 'answer', status: 403, reason: 'Forbidden' })
    await expect(run()).rejects.toMatchObject({ status: 403 })
    await run()
    expect(writes()).toBe(2)
  })
})
