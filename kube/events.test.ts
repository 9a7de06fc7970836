import type { EventNote, EventRecorder } from './events.ts'
import { openEventRecorder } from './events.ts'
import type { KubeClient } from './client.ts'
import type { FakeClock } from './process/clock.fake.ts'
import { fakeClock } from './process/clock.fake.ts'
import type { FakeLog } from './process/log.fake.ts'
import { fakeLog } from './process/log.fake.ts'
import { connect } from './testing/connect.ts'
import type { FakeApiServer } from './testing/fake-apiserver.ts'
import { openFakeApiServer } from './testing/fake-apiserver.ts'
import type { Stored } from './testing/fake-objects.ts'
import { until } from './testing/until.ts'

const events = { group: 'events.k8s.io', version: 'v1', kind: 'Event', plural: 'events', namespaced: true }
const note: EventNote = {
  about: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'default', uid: 'u1' } },
  type: 'Warning',
  reason: 'InvalidConfig',
  action: 'Render',
  message: 'spec.config is no JSON; write one object',
}

let server: FakeApiServer
let client: KubeClient
let clock: FakeClock
let log: FakeLog
let recorder: EventRecorder

beforeEach(async () => {
  server = await openFakeApiServer({ resources: [events] })
  clock = fakeClock()
  log = fakeLog()
  client = connect({ url: server.url, clock })
  recorder = openEventRecorder({ client, clock, random: () => 0.5, log, controller: 'example.org/operator', instance: 'operator-1' })
})

afterEach(async () => {
  await client.close()
  await server.close()
})

async function recorded(...notes: readonly EventNote[]): Promise<readonly Stored[]> {
  for (const one of notes) recorder.record(one)
  await recorder.flush()
  return server.objects.list(events)
}

describe('event recorder', () => {
  it('writes an event with everything that the API demands', async () => {
    await expect(recorded(note)).resolves.toEqual([
      expect.objectContaining({
        metadata: expect.objectContaining({ name: expect.stringMatching(/^web\.[0-9a-f]+$/u), namespace: 'default' }),
        eventTime: '2026-01-01T00:00:00.000000Z',
        reportingController: 'example.org/operator',
        reportingInstance: 'operator-1',
        action: 'Render',
        reason: 'InvalidConfig',
        type: 'Warning',
        note: 'spec.config is no JSON; write one object',
        regarding: { apiVersion: 'v1', kind: 'Pod', name: 'web', namespace: 'default', uid: 'u1' },
      }),
    ])
  })

  it('counts the same event up within ten minutes, and writes a new one afterwards', async () => {
    const [event] = await recorded(note, note, note)
    expect(server.objects.list(events)).toHaveLength(1)
    expect(event?.['series']).toEqual({ count: 3, lastObservedTime: '2026-01-01T00:00:00.000000Z' })
    await clock.advance(600_000)
    await expect(recorded(note)).resolves.toHaveLength(2)
  })

  it.each<[string, Partial<EventNote>]>([
    ['reason', { reason: 'MissingValue' }],
    ['message', { message: 'something else' }],
    ['object', { about: { ...note.about, metadata: { ...note.about.metadata, uid: 'u2' } } }],
  ])('writes a new event for another %s', async (_, change) => {
    recorder.record(note)
    await recorder.flush()
    await clock.advance(5)
    await expect(recorded({ ...note, ...change })).resolves.toHaveLength(2)
  })

  it('writes a new event when the old one was deleted', async () => {
    const [first] = await recorded(note)
    server.objects.delete(events, { name: first?.metadata.name ?? '', namespace: 'default' })
    await expect(recorded(note)).resolves.toHaveLength(1)
  })

  it('puts events of cluster-scoped objects into the namespace default', async () => {
    const [event] = await recorded({ ...note, about: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } } })
    expect(event?.metadata.namespace).toBe('default')
  })

  it('cuts a message at 1,024 bytes without breaking a character', async () => {
    const [event] = await recorded({ ...note, message: '€'.repeat(500) })
    const text = String(event?.['note'])
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024)
    expect(text).toMatch(/^€+…$/u)
  })

  it('drops an event that cannot be written, says so, and goes on', async () => {
    server.fault({ method: 'POST' }, { kind: 'answer', status: 403, reason: 'Forbidden' })
    await expect(recorded(note, { ...note, reason: 'Other' })).resolves.toHaveLength(1)
    expect(log.messages('warn')).toEqual(['an event could not be written and is dropped'])
  })

  it('holds up no exit when the API server does not answer', async () => {
    server.fault({ method: 'POST', times: 99 }, { kind: 'stall' })
    for (let count = 0; count < 20; count += 1) recorder.record({ ...note, reason: `Reason${count}` })
    const flushed = recorder.flush()
    await until('the first write is under way', () => server.requests.length > 0)
    await clock.advance(5000)
    await flushed
    expect(log.messages('warn')).toEqual(['events are given up'])
  })

  it('leaves no timer behind', async () => {
    await recorded(note)
    expect(clock.timers()).toBe(0)
  })

  it('writes a burst at ten in a second, each with the time when it happened, so that events never compete with the work', async () => {
    const start = clock.now()
    for (let index = 0; index < 30; index += 1) recorder.record({ ...note, message: `message ${index}` })
    await until('the burst', () => server.objects.list(events).length === 10)
    clock.freeze(1_000)
    await clock.advance(0)
    await until('a second later', () => server.objects.list(events).length >= 15)
    await recorder.flush()
    const all = server.objects.list(events)
    expect(all).toHaveLength(30)
    expect(new Set(all.map((event) => event['eventTime']))).toEqual(new Set([start.toISOString().replace('Z', '000Z')]))
  })
})
