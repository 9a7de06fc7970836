import { connect, staticCredentials } from './testing/connect.ts'
import type { KubeClient, RequestSeen } from './client.ts'
import type { Authorization, Credentials } from './credentials.ts'
import { openHttpClient } from './http-client.ts'
import type { FakeClock } from './process/clock.fake.ts'
import { fakeClock } from './process/clock.fake.ts'
import { fakeLog } from './process/log.fake.ts'
import { systemClock } from './process/system-clock.ts'
import type { FakeApiServer } from './testing/fake-apiserver.ts'
import { openFakeApiServer } from './testing/fake-apiserver.ts'
import type { Fault } from './testing/fake-http.ts'
import { configMaps } from './testing/resources.ts'
import { until } from './testing/until.ts'
import { openTransport } from './transport.ts'

let server: FakeApiServer
let clock: FakeClock
let client: KubeClient
let seen: RequestSeen[]
const map = { name: 'a', namespace: 'default' }

beforeEach(async () => {
  server = await openFakeApiServer({ resources: [configMaps] })
  server.put(configMaps, { metadata: map })
  clock = fakeClock()
  seen = []
  client = connect({ url: server.url, clock, onRequest: (request) => seen.push(request) })
})

afterEach(async () => {
  await client.close()
  await server.close()
})

/** Lets a call finish while time passes as fast as its waits allow. */
async function finish<T>(call: Promise<T>): Promise<T> {
  const state = { over: false }
  const end = (): void => {
    state.over = true
  }
  call.then(end, end)
  let asked = server.requests.length
  while (!state.over) {
    await until('a request or a wait', () => state.over || server.requests.length > asked || clock.timers() > 1)
    asked = server.requests.length
    // One timer is the deadline; a second one is a wait before a retry.
    if (!state.over && clock.timers() > 1) await clock.advance(clock.nextTimer() ?? 0)
  }
  return await call
}

const busy = (retryAfterSeconds?: number): Fault => ({
  kind: 'answer',
  status: 429,
  reason: 'TooManyRequests',
  ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
})
const broken: Fault = { kind: 'answer', status: 500, reason: 'InternalError' }

describe('transport', () => {
  it.each<[string, Fault]>([
    ['429', busy()],
    ['500', broken],
    ['503', { kind: 'answer', status: 503 }],
    ['a reset connection', { kind: 'reset' }],
  ])('reads again after %s', async (_, fault) => {
    server.fault({ times: 2 }, fault)
    await expect(finish(client.get(configMaps, map))).resolves.toBeDefined()
    expect(seen).toHaveLength(3)
  })

  it('waits as long as Retry-After says', async () => {
    server.fault({}, busy(7))
    await finish(client.get(configMaps, map))
    expect(clock.monotonic()).toBeGreaterThanOrEqual(7000)
  })

  it('does not wait for a Retry-After beyond the deadline, and hands it to the caller', async () => {
    server.fault({}, busy(60))
    await expect(finish(client.get(configMaps, map))).rejects.toMatchObject({ status: 429, retryAfterMs: 60_000 })
    expect(seen).toHaveLength(1)
  })

  it('gives up after five tries', async () => {
    server.fault({ times: 99 }, broken)
    await expect(finish(client.get(configMaps, map))).rejects.toMatchObject({ status: 500, reason: 'InternalError' })
    expect(seen).toHaveLength(5)
  })

  it.each<[string, Fault, number]>([
    ['again after 429, which says that nothing happened', busy(), 2],
    ['once when it is unknown whether it happened', { kind: 'reset-after' }, 1],
    ['once when the server failed half way', broken, 1],
  ])('sends a create %s', async (_, fault, sent) => {
    server.fault({ method: 'POST' }, fault)
    await finish(client.create(configMaps, { metadata: { ...map, name: 'b' } }).catch(() => undefined))
    expect(seen).toHaveLength(sent)
    expect(server.requests.filter(({ method }) => method === 'POST')).toHaveLength(sent)
  })

  it('sends an apply again after a reset: it says the same twice', async () => {
    server.fault({ method: 'PATCH' }, { kind: 'reset-after' })
    await expect(finish(client.apply(configMaps, { metadata: map, data: { a: '1' } }, { fieldManager: 'one' }))).resolves.toMatchObject({
      data: { a: '1' },
    })
  })

  it('ends a call at its deadline when the server does not answer', async () => {
    server.fault({}, { kind: 'stall' })
    const call = client.get(configMaps, map, { deadlineMs: 2000 })
    await until('the request came in', () => server.requests.length === 1)
    const failed = expect(call).rejects.toMatchObject({
      status: 0,
      reason: 'Timeout',
      message: expect.stringContaining('get configmaps default/a was not answered within 2000 ms'),
    })
    await clock.advance(2000)
    await failed
  })

  it("ends a call with the caller's own reason", async () => {
    server.fault({}, { kind: 'stall' })
    const ending = new AbortController()
    const call = client.get(configMaps, map, { signal: ending.signal })
    await until('the request came in', () => server.requests.length === 1)
    const reason = new Error('the pod is gone')
    ending.abort(reason)
    await expect(call).rejects.toBe(reason)
  })

  it('leaves no timer behind', async () => {
    await client.get(configMaps, map)
    expect(clock.timers()).toBe(0)
  })

  it('names the network error when nothing listens', async () => {
    await server.close()
    const failed = client.create(configMaps, { metadata: map }).catch((error: unknown) => error)
    for (let tries = 0; tries < 5; tries += 1) {
      await until('a try failed', () => seen.length > tries)
      await clock.advance(20_000 / 4)
    }
    await expect(failed).resolves.toMatchObject({ status: 0, reason: 'Unreachable', message: expect.stringContaining('ECONNREFUSED') })
  })

  it('quotes an answer that is not from the API machinery', async () => {
    server.fault({ times: 9 }, { kind: 'answer', status: 403, text: '<html>blocked\n by proxy</html>' })
    await expect(client.get(configMaps, map)).rejects.toMatchObject({
      reason: 'Forbidden',
      message: 'get configmaps default/a was refused with 403: <html>blocked by proxy</html>',
    })
  })
})

describe('transport credentials', () => {
  it('asks for credentials again after 401 and tries once more', async () => {
    const strict = await openFakeApiServer({ resources: [configMaps], tokens: ['new'] })
    strict.put(configMaps, { metadata: map })
    let forgotten = 0
    const credentials: Credentials = {
      server: strict.url,
      authorize: async () => ({ tls: {}, headers: { authorization: `Bearer ${forgotten === 0 ? 'old' : 'new'}` } }),
      forget: () => {
        forgotten += 1
      },
    }
    const own = openHttpClient(openTransport({ credentials, clock: systemClock(), random: () => 0, log: fakeLog(), userAgent: 'test' }))
    await expect(own.get(configMaps, map)).resolves.toBeDefined()
    expect(forgotten).toBe(1)
    await own.close()
    await strict.close()
  })

  it('ends a call at its deadline when the credentials never come', async () => {
    const credentials: Credentials = { ...staticCredentials(server.url), authorize: () => new Promise(() => undefined) }
    const own = openHttpClient(openTransport({ credentials, clock, random: () => 0, log: fakeLog(), userAgent: 'test' }))
    const failed = expect(own.get(configMaps, map, { deadlineMs: 2000 })).rejects.toMatchObject({ status: 0, reason: 'Timeout' })
    await clock.advance(2000)
    await failed
    expect(clock.timers()).toBe(0)
    await own.close()
  })

  it('reconnects when the TLS material changes, and only then', async () => {
    const first: Authorization = { tls: { ca: 'one' }, headers: {} }
    const second: Authorization = { tls: { ca: 'two' }, headers: {} }
    let current = first
    const credentials: Credentials = { ...staticCredentials(server.url), authorize: async () => current }
    const own = openHttpClient(openTransport({ credentials, clock: systemClock(), random: () => 0, log: fakeLog(), userAgent: 'test' }))
    for (let count = 0; count < 5; count += 1) await own.get(configMaps, map)
    const before = server.connections().total
    for (let count = 0; count < 5; count += 1) await own.get(configMaps, map)
    expect(server.connections().total).toBe(before)
    current = second
    await own.get(configMaps, map)
    expect(server.connections().total).toBe(before + 1)
    await own.close()
  })
})
