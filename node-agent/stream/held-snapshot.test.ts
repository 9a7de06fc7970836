// What the agent holds after what it heard.
import { array, assert, constant, constantFrom, nat, oneof, property, record, tuple } from 'fast-check'
import { parseNetworkKey } from '#api/ids'
import { profileSpec } from '#api/kinds/node-network-profile'
import type { PutMessage, StreamMessage } from '#api/stream'
import { fakeClock } from '#kube/process/clock.fake'
import { type HeldSnapshot, openHeldSnapshot } from './held-snapshot.ts'

const network = (key: string, generation = 1, epoch = 1, sequence = 1): PutMessage => ({
  type: 'put',
  kind: 'network',
  key,
  revision: { epoch, sequence },
  object: { state: 'usable', uid: key, generation },
})
const profile: PutMessage = {
  type: 'put',
  kind: 'profile',
  key: 'profile',
  revision: { epoch: 1, sequence: 1 },
  object: { name: 'default', generation: 1, spec: profileSpec.parse({}) },
}
const synced = (epoch = 1, sequence = 1): StreamMessage => ({ type: 'synced', revision: { epoch, sequence } })
const gone = (key: string, sequence = 1): StreamMessage => ({ type: 'delete', kind: 'network', key, revision: { epoch: 1, sequence } })
const keys = (snapshot: HeldSnapshot): readonly string[] => [...snapshot.networks().keys()].toSorted()

function open(...messages: readonly StreamMessage[]): HeldSnapshot {
  const snapshot = openHeldSnapshot({ clock: fakeClock() })
  stream(snapshot, ...messages)
  return snapshot
}
function stream(snapshot: HeldSnapshot, ...messages: readonly StreamMessage[]): void {
  snapshot.begin(false)
  for (const message of messages) expect(snapshot.apply(message)).toBe('applied')
}

describe('the snapshot', () => {
  it('has no revision before the first one is complete', () => {
    const snapshot = open(network('a/x'))
    expect([snapshot.revision(), snapshot.contents(), snapshot.synced()]).toEqual([undefined, undefined, false])
    snapshot.apply(synced(1, 7))
    expect([snapshot.revision(), snapshot.synced()]).toEqual([{ epoch: 1, sequence: 7 }, true])
  })

  it('loses at synced what a new stream did not send, and nothing before', () => {
    const snapshot = open(network('a/x'), network('a/y'), synced())
    stream(snapshot, network('a/y'))
    expect(keys(snapshot)).toEqual(['a/x', 'a/y'])
    snapshot.apply(synced(1, 2))
    expect(keys(snapshot)).toEqual(['a/y'])
  })

  it('keeps everything when a stream breaks before synced', () => {
    const snapshot = open(network('a/x'), synced())
    stream(snapshot)
    stream(snapshot, network('a/x'), synced(1, 2))
    expect(keys(snapshot)).toEqual(['a/x'])
  })

  it('keeps the last profile whatever vanishes', () => {
    const snapshot = open(profile, synced())
    stream(snapshot, synced(1, 2))
    snapshot.apply({ type: 'delete', kind: 'profile', key: 'profile', revision: { epoch: 1, sequence: 3 } })
    expect(snapshot.profile()?.name).toBe('default')
  })

  it('refuses a lower epoch and changes nothing', () => {
    const snapshot = open(network('a/x'), synced(5))
    snapshot.begin(false)
    expect(snapshot.apply(network('a/y', 1, 4))).toBe('LowerEpoch')
    expect(snapshot.apply(synced(4, 99))).toBe('LowerEpoch')
    expect([keys(snapshot), snapshot.revision()]).toEqual([['a/x'], { epoch: 5, sequence: 1 }])
  })

  it('takes a lower epoch that the lease confirms', () => {
    const snapshot = open(network('a/x'), synced(5))
    snapshot.begin(true)
    expect(snapshot.apply(network('a/y', 1, 0))).toBe('applied')
    snapshot.apply(synced(0, 1))
    expect([keys(snapshot), snapshot.revision()]).toEqual([['a/y'], { epoch: 0, sequence: 1 }])
  })

  it('remembers the epoch of what was kept on disk', () => {
    const contents = open(network('a/x'), synced(5)).contents()
    const snapshot = openHeldSnapshot({ clock: fakeClock(), restored: contents })
    snapshot.begin(false)
    expect(snapshot.apply(synced(4))).toBe('LowerEpoch')
  })

  it('tells listeners of changes only', () => {
    const snapshot = open(network('a/x'), synced())
    let told = 0
    const stop = snapshot.onChange(() => {
      told += 1
    })
    snapshot.apply(network('a/x', 1, 1, 2))
    snapshot.apply({ type: 'ping' })
    expect(told).toBe(0)
    snapshot.apply(network('a/x', 2, 1, 3))
    snapshot.apply(gone('a/x', 4))
    snapshot.apply(gone('a/x', 5))
    expect(told).toBe(2)
    stop()
    snapshot.apply(network('a/x', 9, 1, 6))
    expect(told).toBe(2)
  })

  it('counts silence from the last line, pings included', async () => {
    const clock = fakeClock()
    const snapshot = openHeldSnapshot({ clock })
    await clock.advance(5000)
    expect(snapshot.silentForMs()).toBe(5000)
    snapshot.apply({ type: 'ping' })
    expect(snapshot.silentForMs()).toBe(0)
  })

  it('equals what a map would hold, after any streams', () => {
    const name = constantFrom('a/x', 'a/y', 'b/x')
    const change = oneof(
      record({ kind: constant('put' as const), name, generation: nat(3) }),
      record({ kind: constant('delete' as const), name, generation: constant(0) }),
    )
    assert(
      property(array(tuple(array(change, { maxLength: 8 }), array(change, { maxLength: 8 })), { maxLength: 5 }), (streams) => {
        const snapshot = openHeldSnapshot({ clock: fakeClock() })
        let model = new Map<string, number>()
        for (const [first, later] of streams) {
          snapshot.begin(false)
          model = new Map()
          const apply = ({ kind, name, generation }: (typeof first)[number]): void => {
            snapshot.apply(kind === 'put' ? network(name, generation) : gone(name))
            if (kind === 'put') model.set(name, generation)
            else model.delete(name)
          }
          for (const step of first) apply(step)
          snapshot.apply(synced())
          for (const step of later) apply(step)
          expect(Object.fromEntries([...snapshot.networks()].map(([key, object]) => [key, object.generation]))).toEqual(
            Object.fromEntries(model),
          )
        }
        for (const key of model.keys()) expect(snapshot.network(parseNetworkKey(key) ?? fail())).toBeDefined()
      }),
    )
  })
})

function fail(): never {
  throw new Error('a key of the test is not a network key')
}
