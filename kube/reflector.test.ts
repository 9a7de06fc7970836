import type { KubeClient } from './client.ts'
import { openInformer } from './informer.ts'
import type { Informer } from './informer.ts'
import type { FakeClock } from './process/clock.fake.ts'
import { fakeClock } from './process/clock.fake.ts'
import type { FakeLog } from './process/log.fake.ts'
import { fakeLog } from './process/log.fake.ts'
import type { ReflectorEdge } from './reflector-step.ts'
import type { KubeObject, Resource } from './resource.ts'
import { connect } from './testing/connect.ts'
import type { FakeApiServer } from './testing/fake-apiserver.ts'
import { openFakeApiServer } from './testing/fake-apiserver.ts'
import type { SeenRequest } from './testing/fake-http.ts'
import { configMaps } from './testing/resources.ts'
import { rounds, until } from './testing/until.ts'

type Loose = KubeObject & Readonly<Record<string, unknown>>

interface World {
  readonly server: FakeApiServer
  readonly client: KubeClient
  readonly clock: FakeClock
  readonly log: FakeLog
  readonly edges: ReflectorEdge[]
  readonly informer: Informer<Loose>
}

interface WorldOptions {
  readonly watchList?: boolean
  readonly parse?: Resource<Loose>['parse']
  readonly transform?: (object: Loose) => Loose
  readonly labelSelector?: string
}

const open: World[] = []

async function world(options: WorldOptions = {}): Promise<World> {
  const server = await openFakeApiServer({ resources: [configMaps], watchList: options.watchList ?? true })
  const clock = fakeClock()
  const log = fakeLog()
  const client = connect({ url: server.url, clock })
  const edges: ReflectorEdge[] = []
  const informer = openInformer<Loose>({
    client,
    resource: { ...configMaps, ...(options.parse === undefined ? {} : { parse: options.parse }) },
    clock,
    random: () => 0,
    log,
    labelSelector: options.labelSelector,
    onEdge: (edge) => edges.push(edge),
    ...(options.transform === undefined ? {} : { transform: options.transform }),
  })
  const made = { server, client, clock, log, edges, informer }
  open.push(made)
  return made
}

afterEach(async () => {
  for (const { server, client, informer } of open.splice(0)) {
    await informer.reflector.stop()
    await client.close()
    await server.close()
  }
})

async function synced(made: World): Promise<void> {
  made.informer.reflector.start()
  await until('the first full state', () => made.informer.store.hasSynced())
}

const object = (name: string, data: Readonly<Record<string, string>> = {}, labels: Readonly<Record<string, string>> = {}) => ({
  metadata: { name, namespace: 'default', labels },
  data,
})
const names = ({ informer }: World): readonly string[] => informer.store.list().map(({ metadata }) => metadata.name)
const has = (made: World, name: string): boolean => made.informer.store.get(`default/${name}`) !== undefined
const watchesOf = ({ server }: World): readonly SeenRequest[] => server.requests.filter(({ query }) => query.get('watch') === 'true')
const fullStates = ({ server }: World): number =>
  server.requests.filter(({ query }) => query.get('watch') !== 'true' || query.get('sendInitialEvents') === 'true').length

/** Lets the back-off pass: with this random source the first one is exactly 800 ms. */
async function pass(made: World, ms = 800): Promise<void> {
  await until('the reflector waits', () => made.informer.reflector.state() === 'backoff')
  await made.clock.advance(ms)
}

/** Lets time pass in steps until something real has happened. */
async function passUntil(made: World, holds: () => boolean, stepMs = 1000): Promise<void> {
  for (let steps = 0; !holds() && steps < 300; steps += 1) {
    await rounds(5)
    await made.clock.advance(stepMs)
  }
  expect(holds()).toBe(true)
}

describe('reflector', () => {
  it.each([
    ['one stream, when the server can send the state first', true, 1],
    ['list and watch, when it cannot', false, 3],
  ])('fills a store and follows it by %s', async (_, watchList, requests) => {
    const made = await world({ watchList })
    made.server.put(configMaps, object('a', { v: '1' }))
    await synced(made)
    expect(names(made)).toEqual(['a'])
    await until('the watch is open', () => made.server.watches().length === 1)
    made.server.put(configMaps, object('a', { v: '2' }))
    made.server.put(configMaps, object('b'))
    made.server.objects.delete(configMaps, { name: 'b', namespace: 'default' })
    made.server.put(configMaps, object('c'))
    await until('the last change', () => has(made, 'c'))
    expect(names(made)).toEqual(['a', 'c'])
    expect(made.informer.store.get('default/a')).toMatchObject({ data: { v: '2' } })
    expect(made.server.requests).toHaveLength(requests)
  })

  it('remembers that a server cannot send the state first', async () => {
    const made = await world({ watchList: false })
    await synced(made)
    await until('the watch is open', () => made.server.watches().length === 1)
    made.server.watches()[0]?.error(410, 'Expired')
    await pass(made)
    await until('a second list', () => made.edges.filter((edge) => edge === 'listed').length === 2)
    expect(made.server.requests.filter(({ query }) => query.has('sendInitialEvents'))).toHaveLength(1)
  })

  it('does not ask a server in a loop that refuses its selector', async () => {
    const made = await world({ watchList: false })
    made.server.fault({ watch: false, times: 99 }, { kind: 'answer', status: 400, reason: 'BadRequest' })
    made.informer.reflector.start()
    await until('a failed list', () => made.edges.includes('list-failed'))
    await rounds()
    expect(made.server.requests).toHaveLength(2)
  })

  it('goes on after a list that failed with 503 until it succeeds', async () => {
    const made = await world({ watchList: false })
    made.server.put(configMaps, object('a'))
    made.server.fault({ watch: false, times: 12 }, { kind: 'answer', status: 503 })
    made.informer.reflector.start()
    await passUntil(made, () => made.informer.store.hasSynced())
    expect(names(made)).toEqual(['a'])
  })

  it('waits as long as a 429 says before it watches again', async () => {
    const made = await world()
    made.server.fault({ watch: true }, { kind: 'answer', status: 429, retryAfterSeconds: 20 })
    made.informer.reflector.start()
    await until('the refusal', () => made.edges.includes('throttled'))
    await made.clock.advance(19_000)
    expect(watchesOf(made)).toHaveLength(1)
    await made.clock.advance(1000)
    await until('the first full state', () => made.informer.store.hasSynced())
  })

  it.each<[string, (made: World) => void]>([
    ['a reset connection', ({ server }) => server.watches()[0]?.reset()],
    ['a line that is no event', ({ server }) => server.watches()[0]?.raw('{"type":"WHAT"}\n')],
  ])('opens the watch again after %s, from where it was, and misses nothing', async (_, disturb) => {
    const made = await world()
    await synced(made)
    disturb(made)
    await until('the break is seen', () => made.edges.includes('watch-failed'))
    made.server.put(configMaps, object('missed'))
    await pass(made)
    await until('the missed change', () => has(made, 'missed'))
    expect(fullStates(made)).toBe(1)
  })

  it('opens the watch again after 500 on opening', async () => {
    const made = await world()
    await synced(made)
    made.server.fault({ watch: true, times: 3 }, { kind: 'answer', status: 500 })
    made.server.watches()[0]?.reset()
    made.server.put(configMaps, object('a'))
    await passUntil(made, () => has(made, 'a'))
    expect(fullStates(made)).toBe(1)
  })

  it('reads everything again after 410 in the stream, and notices what was deleted meanwhile', async () => {
    const made = await world()
    made.server.put(configMaps, object('gone'))
    await synced(made)
    const changes: string[] = []
    made.informer.store.onChange(({ kind, key }) => changes.push(`${kind} ${key}`))
    made.server.watches()[0]?.error(410, 'Expired')
    await until('the expiry', () => made.edges.includes('expired'))
    made.server.objects.delete(configMaps, { name: 'gone', namespace: 'default' })
    made.server.put(configMaps, object('new'))
    await pass(made)
    await until('the new state', () => has(made, 'new'))
    expect(changes).toEqual(['deleted default/gone', 'added default/new'])
  })

  it('reads everything again when its version is too old for the server', async () => {
    const made = await world()
    await synced(made)
    made.server.watches()[0]?.reset()
    await until('the break is seen', () => made.edges.includes('watch-failed'))
    made.server.put(configMaps, object('a'))
    made.server.objects.compact()
    await pass(made)
    await until('the refusal', () => made.edges.includes('expired'))
    await made.clock.advance(2400)
    await until('the new state', () => has(made, 'a'))
  })

  it('reads everything again after an error in the stream that is not 410', async () => {
    const made = await world()
    await synced(made)
    made.server.watches()[0]?.error(500, 'InternalError')
    await pass(made)
    await until('a second full state', () => fullStates(made) === 2)
  })

  it('keeps the version of a quiet resource young by bookmarks', async () => {
    const made = await world()
    await synced(made)
    made.server.objects.compact()
    const before = made.informer.reflector.lastActivity()
    await made.clock.advance(60_000)
    made.server.watches()[0]?.bookmark()
    await until('the bookmark', () => made.informer.reflector.lastActivity() > before)
    made.server.watches()[0]?.end()
    await until('the next watch', () => watchesOf(made).length === 2 && made.server.watches().length === 1)
    expect(made.edges).not.toContain('expired')
  })

  it('asks a quiet server for streams of five to ten minutes with bookmarks, and leaves them alone', async () => {
    const made = await world({ watchList: false })
    await synced(made)
    await until('the watch is open', () => made.server.watches().length === 1)
    await made.clock.advance(299_000)
    const watch = watchesOf(made).at(-1)
    expect(watch?.query.get('allowWatchBookmarks')).toBe('true')
    expect(watch?.query.get('timeoutSeconds')).toBe('300')
    expect(made.server.requests).toHaveLength(3)
  })

  it('leaves a stream alone that says something now and then', async () => {
    const made = await world()
    await synced(made)
    for (let minute = 0; minute < 4; minute += 1) {
      const before = made.informer.reflector.lastActivity()
      await made.clock.advance(60_000)
      made.server.watches()[0]?.bookmark()
      await until('the bookmark', () => made.informer.reflector.lastActivity() > before)
    }
    expect(made.edges).toEqual(['started', 'watch-opened', 'listed'])
  })

  it('replaces a stream that died in silence', async () => {
    const made = await world()
    await synced(made)
    made.server.watches()[0]?.stall()
    made.server.put(configMaps, object('unseen'))
    await made.clock.advance(89_000)
    expect(made.edges).not.toContain('stalled')
    await passUntil(made, () => has(made, 'unseen'))
    expect(made.edges.filter((edge) => edge === 'stalled')).toHaveLength(1)
    await until('the dead stream is gone', () => made.server.watches().length === 1)
  })

  it('reads everything again when the stream that replaced a silent one is silent too: the server may be older than its place', async () => {
    const made = await world()
    await synced(made)
    made.server.watches()[0]?.stall()
    made.server.fault({ watch: true }, { kind: 'stall' })
    await passUntil(made, () => fullStates(made) === 2)
    await until('a second full state', () => made.edges.filter((edge) => edge === 'listed').length === 2)
  })

  it('lists when a server takes the request for the state but never ends it', async () => {
    const made = await world()
    made.server.put(configMaps, object('a'))
    made.server.fault({ watch: true }, { kind: 'stall' })
    made.informer.reflector.start()
    await until('the request', () => made.server.requests.length === 1)
    await passUntil(made, () => made.informer.store.hasSynced(), 10_000)
    expect(names(made)).toEqual(['a'])
  })

  it('reads lines that arrive in pieces', async () => {
    const made = await world()
    for (let count = 0; count < 20; count += 1) made.server.put(configMaps, object(`m${count}`, { text: 'ü€😀' }))
    made.server.fault({ watch: true }, { kind: 'chop', bytes: 7 })
    await synced(made)
    expect(names(made)).toHaveLength(20)
    expect(made.informer.store.get('default/m3')).toMatchObject({ data: { text: 'ü€😀' } })
  })

  it('drops objects that a selector no longer covers', async () => {
    const made = await world({ labelSelector: 'app=web' })
    made.server.put(configMaps, object('a', {}, { app: 'web' }))
    made.server.put(configMaps, object('b', {}, { app: 'other' }))
    await synced(made)
    expect(names(made)).toEqual(['a'])
    made.server.put(configMaps, object('a', {}, { app: 'other' }))
    await until('the object left', () => !has(made, 'a'))
  })

  it('waits before it asks a server again that ends every stream at once', async () => {
    const made = await world()
    await synced(made)
    made.server.watches()[0]?.end()
    await until('the next watch', () => watchesOf(made).length === 2 && made.server.watches().length === 1)
    made.server.watches()[0]?.end()
    await until('it waits', () => made.informer.reflector.state() === 'backoff')
    await rounds()
    expect(watchesOf(made)).toHaveLength(2)
  })
})

describe('reflector, started and stopped', () => {
  it('opens one watch when it is started twice', async () => {
    const made = await world()
    made.informer.reflector.start()
    made.informer.reflector.start()
    await synced(made)
    await rounds()
    expect(made.server.watches()).toHaveLength(1)
    await made.informer.reflector.stop()
    await until('the watch is closed', () => made.server.watches().length === 0)
  })

  it.each<[string, (made: World) => Promise<void>]>([
    ['at once', () => Promise.resolve()],
    ['while the first answer is on its way', ({ server }) => until('the request', () => server.requests.length === 1)],
    ['while it follows', synced],
    [
      'while it waits to try again',
      async (made) => {
        await synced(made)
        made.server.watches()[0]?.reset()
        await until('it waits', () => made.informer.reflector.state() === 'backoff')
      },
    ],
  ])('leaves no stream and no timer when it is stopped %s', async (_, reach) => {
    const made = await world()
    made.informer.reflector.start()
    await reach(made)
    await made.informer.reflector.stop()
    const asked = made.server.requests.length
    await made.clock.advance(600_000)
    await until('no stream is left', () => made.server.watches().length === 0)
    expect(made.server.requests.length - asked).toBeLessThanOrEqual(1)
    expect(made.clock.timers()).toBe(0)
    expect(made.informer.reflector.state()).toBe('stopped')
    made.informer.reflector.start()
    await rounds()
    expect(made.server.watches()).toHaveLength(0)
  })
})

describe('reflector and what cannot be stored', () => {
  it('goes on when a listener throws, tells the other listeners, and logs a bug', async () => {
    const made = await world()
    await synced(made)
    const heard: string[] = []
    made.informer.store.onChange(() => {
      throw new Error('listener')
    })
    made.informer.store.onChange(({ key }) => heard.push(key))
    made.server.put(configMaps, object('a'))
    made.server.put(configMaps, object('b'))
    await until('both changes', () => heard.length === 2)
    expect(made.log.lines.filter(({ level, fields }) => level === 'error' && fields['bug'] === true)).toHaveLength(2)
    expect(watchesOf(made)).toHaveLength(1)
  })

  it('leaves out an object that cannot be read, keeps its last state, and serves the others', async () => {
    const parse = (value: unknown): Loose => {
      const read = configMaps.parse(value)
      if (JSON.stringify(read['data']).includes('bad')) throw new Error('data is bad')
      return read
    }
    const made = await world({ parse })
    made.server.put(configMaps, object('never', { v: 'bad' }))
    made.server.put(configMaps, object('once', { v: 'good' }))
    await synced(made)
    made.server.put(configMaps, object('once', { v: 'bad' }))
    made.server.put(configMaps, object('after'))
    await until('the change behind it', () => has(made, 'after'))
    expect(names(made)).toEqual(['once', 'after'])
    expect(made.informer.store.get('default/once')).toMatchObject({ data: { v: 'good' } })
    made.server.watches()[0]?.error(410, 'Expired')
    await pass(made)
    await until('a second full state', () => made.edges.filter((edge) => edge === 'listed').length === 2)
    expect(names(made)).toEqual(['once', 'after'])
  })

  it('does not go past an object that the store refuses, and offers it again with everything', async () => {
    let refuse = true
    const transform = (given: Loose): Loose => {
      if (refuse && given.metadata.name === 'poison') throw new Error('cannot be slimmed')
      return given
    }
    const made = await world({ transform })
    await synced(made)
    made.server.put(configMaps, object('poison'))
    await until('the refusal', () => made.edges.includes('rejected-by-store'))
    expect(made.log.messages('error')).toEqual(['the store did not accept an object; listing again'])
    refuse = false
    await pass(made)
    await until('the object', () => has(made, 'poison'))
  })
})
