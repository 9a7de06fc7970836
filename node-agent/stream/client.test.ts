// The stream client against a real server on loopback: HTTP/2, TLS, tokens, acks. Only waiting is by a clock of the test.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseNetworkKey } from '#api/ids'
import type { Rejection, StreamMessage } from '#api/stream'
import { type FakeClock, fakeClock } from '#kube/process/clock.fake'
import { type FakeLog, fakeLog } from '#kube/process/log.fake'
import { fakeMetrics } from '#kube/process/metrics.fake'
import { rounds, until } from '#kube/testing/until'
import { startStreamClient, type StreamClient } from './client.ts'
import { type HeldSnapshot, openHeldSnapshot } from './held-snapshot.ts'
import { type FakeOperator, openFakeOperator, SERVERNAME } from './operator.fake.ts'
import type { LeaderLease, StreamAddress } from './stream-address.ts'

const network = (key: string, epoch = 2, sequence = 1): StreamMessage => ({
  type: 'put',
  kind: 'network',
  key,
  revision: { epoch, sequence },
  object: { state: 'usable', uid: key, generation: 1 },
})
const synced = (epoch = 2, sequence = 1): StreamMessage => ({ type: 'synced', revision: { epoch, sequence } })

let dir = ''
let operator: FakeOperator
let client: StreamClient | undefined
let clock: FakeClock
let log: FakeLog
let snapshot: HeldSnapshot
let lease: LeaderLease | undefined
let ca: string | undefined
let asked: { ca: number; lease: number }
let rejected: readonly Rejection[] | undefined

function start(service: StreamAddress | undefined = { host: '127.0.0.1', port: operator.port }): void {
  client = startStreamClient({
    snapshot,
    directory: {
      lease: async () => {
        asked.lease += 1
        return lease
      },
      authorities: async () => {
        asked.ca += 1
        return ca
      },
    },
    node: 'n1',
    servername: SERVERNAME,
    service,
    tokenFile: join(dir, 'token'),
    rejections: () => rejected,
    onState: () => undefined,
    clock,
    random: () => 0.5,
    log,
    metrics: fakeMetrics(),
  })
}
const keys = (): readonly string[] => [...snapshot.networks().keys()].toSorted()
const connected = (): boolean => client?.state().kind === 'connected'
/** The next timer that waits is the one between two tries. */
const waiting = async (): Promise<number> => {
  await until(
    'the client waits',
    () => log.messages('info').includes('the stream ended; connecting again') && clock.nextTimer() !== undefined,
  )
  await rounds(5)
  return clock.nextTimer() ?? 0
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'plexus-stream-'))
  writeFileSync(join(dir, 'token'), 'one\n')
  operator = await openFakeOperator()
  clock = fakeClock()
  log = fakeLog()
  snapshot = openHeldSnapshot({ clock })
  lease = undefined
  ca = operator.ca
  asked = { ca: 0, lease: 0 }
  rejected = []
})
afterEach(async () => {
  await client?.stop()
  client = undefined
  await operator.close()
  rmSync(dir, { recursive: true })
})

describe('the stream client', () => {
  it('takes a snapshot and later changes, and acknowledges both', async () => {
    operator.greet([network('a/x'), network('a/y'), synced()])
    start()
    await until('it is in sync', connected)
    expect(keys()).toEqual(['a/x', 'a/y'])
    await clock.advance(200)
    await until('the ack', () => operator.acks.length === 1)
    operator.send({ type: 'delete', kind: 'network', key: 'a/x', revision: { epoch: 2, sequence: 2 } }, { type: 'ping' })
    await until('the change', () => keys().length === 1)
    await clock.advance(200)
    await until('the second ack', () => operator.acks.length === 2)
    expect(operator.acks).toEqual([
      { revision: { epoch: 2, sequence: 1 }, rejected: [] },
      { revision: { epoch: 2, sequence: 2 }, rejected: [] },
    ])
  })

  it('acknowledges many changes at once, and nothing while the node does not know what it can serve', async () => {
    rejected = undefined
    operator.greet([synced()])
    start()
    await until('it is in sync', connected)
    operator.send(network('a/1', 2, 2), network('a/2', 2, 3), network('a/3', 2, 4))
    await until('the changes', () => keys().length === 3)
    await clock.advance(1000)
    await rounds()
    expect(operator.acks).toEqual([])
    rejected = [{ kind: 'network', key: 'a/1', reason: 'PluginMissing', message: 'no' }]
    client?.acknowledge()
    await clock.advance(200)
    await until('the ack', () => operator.acks.length > 0)
    expect(operator.acks).toEqual([{ revision: { epoch: 2, sequence: 4 }, rejected }])
  })

  it('sends its token and what it has, and reads the token again for each connection', async () => {
    operator.greet([synced(2, 9)])
    start()
    await until('it is in sync', connected)
    writeFileSync(join(dir, 'token'), 'two\n')
    operator.drop('end')
    expect(await waiting()).toBe(500)
    await clock.advance(500)
    await until('it came back', () => operator.opened.length === 2)
    expect(operator.opened).toEqual([
      { path: '/v1/stream?node=n1', authorization: 'Bearer one' },
      { path: '/v1/stream?node=n1&from=2.9', authorization: 'Bearer two' },
    ])
  })

  it('loses what a new leader did not send', async () => {
    operator.greet([network('a/x'), network('a/y'), synced()])
    start()
    await until('it is in sync', connected)
    operator.greet([network('a/y', 3), synced(3)])
    operator.drop('destroy')
    await clock.advance(await waiting())
    await until('the new snapshot', () => snapshot.revision()?.epoch === 3)
    expect(keys()).toEqual(['a/y'])
  })

  it('refuses a leader that lost its lease', async () => {
    operator.greet([network('a/x', 5), synced(5)])
    start()
    await until('it is in sync', connected)
    lease = { address: undefined, epoch: 5 }
    operator.greet([network('a/z', 4), synced(4)])
    operator.drop('end')
    await clock.advance(await waiting())
    await until('it was refused', () => JSON.stringify(client?.state()).includes('no longer the leader'))
    expect([keys(), snapshot.revision()]).toEqual([['a/x'], { epoch: 5, sequence: 1 }])
  })

  it('believes a lower epoch when the lease says so: the operator was installed again', async () => {
    operator.greet([network('a/x', 5), synced(5)])
    start()
    await until('it is in sync', connected)
    lease = { address: undefined, epoch: 0 }
    operator.greet([network('a/z', 0), synced(0)])
    operator.drop('end')
    await clock.advance(await waiting())
    await until('the new count', () => snapshot.revision()?.epoch === 0)
    expect(keys()).toEqual(['a/z'])
  })

  it('takes the address of the Lease when the Service does not answer', async () => {
    operator.greet([synced()])
    lease = { address: { host: '127.0.0.1', port: operator.port }, epoch: 2 }
    start({ host: '127.0.0.1', port: 1 })
    await until('it is in sync', connected)
  })

  it('reads the authority again after a failure, and trusts nothing else', async () => {
    const other = await openFakeOperator()
    ca = other.ca
    await other.close()
    operator.greet([synced()])
    start()
    await until('it fails', () => client?.state().kind === 'away' && asked.ca === 1 && log.messages('info').length > 0)
    expect(operator.opened).toEqual([])
    ca = operator.ca
    await clock.advance(await waiting())
    await until('it is in sync', connected)
    expect(asked.ca).toBe(2)
  })

  it('gives a silent stream up after 30 s', async () => {
    operator.greet([synced()])
    start()
    await until('it is in sync', connected)
    await clock.advance(29_000)
    operator.send({ type: 'ping' })
    await until('the ping', () => snapshot.silentForMs() === 0)
    await clock.advance(29_000)
    await rounds()
    expect(connected()).toBe(true)
    await clock.advance(1000)
    await until('it is away', () => !connected())
    expect(client?.state()).toEqual({ kind: 'away', message: 'the stream of the operator is not available: nothing was heard for 30 s' })
  })

  it.each([
    ['a line that is no message', 'rubbish\n'],
    ['a line without end', 'x'.repeat(1_100_000)],
  ])('gives %s up and comes back', async (_, line) => {
    operator.greet([network('a/x'), synced()])
    start()
    await until('it is in sync', connected)
    operator.send(line)
    await until('it is away', () => !connected())
    await clock.advance(await waiting())
    await until('it is back', connected)
    expect(keys()).toEqual(['a/x'])
  })

  it('waits longer with every failure, up to 30 s', async () => {
    operator.refuse(503)
    const waits: number[] = []
    start()
    for (let tries = 1; tries < 8; tries += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await until('a try failed', () => log.messages('info').filter((message) => message.startsWith('the stream ended')).length === tries)
      // oxlint-disable-next-line no-await-in-loop
      waits.push(await waiting())
      // oxlint-disable-next-line no-await-in-loop
      await clock.advance(waits.at(-1) ?? 0)
    }
    expect(waits).toEqual([2000, 4000, 8000, 15_000, 15_000, 15_000, 15_000])
    expect(client?.state()).toMatchObject({ message: expect.stringContaining('status 503') })
  })

  it('stops while it is connected, and while it waits', async () => {
    operator.greet([network('a/x'), synced()])
    start()
    await until('it is in sync', connected)
    await client?.stop()
    expect(snapshot.network(parseNetworkKey('a/x') ?? failed())).toBeDefined()
    expect(clock.timers()).toBe(0)
  })
})

function failed(): never {
  throw new Error('a/x is a network key')
}
