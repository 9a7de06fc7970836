import { array, assert, asyncProperty, constantFrom, tuple } from 'fast-check'
import type { FakeClock } from './process/clock.fake.ts'
import { fakeClock } from './process/clock.fake.ts'
import { fakeMetrics } from './process/metrics.fake.ts'
import type { WorkQueue, WorkQueueOptions } from './workqueue.ts'
import { openWorkQueue } from './workqueue.ts'

const never = new AbortController().signal

function open(change: Partial<WorkQueueOptions> = {}): { readonly queue: WorkQueue; readonly clock: FakeClock } {
  const clock = fakeClock()
  return { clock, queue: openWorkQueue({ name: 'test', clock, random: () => 1, ...change }) }
}

describe('work queue', () => {
  it('hands out keys in order, each once', async () => {
    const { queue } = open()
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key)
    expect([await queue.take(never), await queue.take(never), await queue.take(never)]).toEqual(['a', 'b', 'c'])
  })

  it('holds back a key that is at work until it is done', async () => {
    const { queue } = open()
    queue.add('a')
    await queue.take(never)
    queue.add('a')
    queue.add('a')
    let second: string | undefined
    const taking = queue.take(never).then((key) => {
      second = key
    })
    await Promise.resolve()
    expect(second).toBeUndefined()
    queue.done('a')
    await taking
    expect(second).toBe('a')
  })

  it('serves waiting workers in the order in which they came', async () => {
    const { queue } = open()
    const taken = [queue.take(never), queue.take(never)]
    queue.add('a')
    queue.add('b')
    await expect(Promise.all(taken)).resolves.toEqual(['a', 'b'])
  })

  it('adds later, and keeps the earlier of two times', async () => {
    const { queue, clock } = open()
    const taken: string[] = []
    const worker = (async () => {
      for (let key = await queue.take(never); key !== undefined; key = await queue.take(never)) {
        taken.push(`${key} ${clock.monotonic()}`)
        queue.done(key)
      }
    })()
    queue.addAfter('a', 1000)
    queue.addAfter('a', 500)
    queue.addAfter('a', 800)
    queue.addAfter('b', 700)
    expect(clock.timers()).toBe(1)
    await clock.advance(2000)
    expect(taken).toEqual(['a 500', 'b 700'])
    queue.shutdown()
    await worker
  })

  it('doubles the back-off of a key from 5 ms, up to its bound, and starts over when it is forgotten', () => {
    const { queue } = open({ backoff: { minMs: 5, maxMs: 50 } })
    const waits = Array.from({ length: 6 }, () => queue.addLimited('a'))
    expect(waits).toEqual([5, 10, 20, 40, 50, 50])
    expect(queue.addLimited('b')).toBe(5)
    queue.forget('a')
    expect(queue.addLimited('a')).toBe(5)
  })

  it('spreads a back-off over its upper half', () => {
    expect(open({ random: () => 0 }).queue.addLimited('a')).toBe(2.5)
  })

  it('keeps all keys together to the rate of the bucket once the burst is used up', () => {
    const { queue } = open({ bucket: { perSecond: 10, burst: 3 } })
    const waits = ['a', 'b', 'c', 'd', 'e'].map((key) => queue.addLimited(key))
    expect(waits).toEqual([5, 5, 5, 100, 200])
  })

  it('hands out what is queued after a shutdown, then ends its workers', async () => {
    const { queue, clock } = open()
    queue.add('a')
    queue.addAfter('late', 10)
    queue.shutdown()
    queue.add('b')
    await expect(queue.take(never)).resolves.toBe('a')
    const waiting = queue.take(never)
    await expect(waiting).resolves.toBeUndefined()
    expect(clock.timers()).toBe(0)
  })

  it('ends a wait with its signal and gives the next key to somebody else', async () => {
    const { queue } = open()
    const ending = new AbortController()
    const lost = queue.take(ending.signal)
    ending.abort(new Error('stopped'))
    await expect(lost).rejects.toThrow('stopped')
    queue.add('a')
    await expect(queue.take(never)).resolves.toBe('a')
  })

  it('shows its depth, its additions and its retries', async () => {
    const metrics = fakeMetrics()
    const { queue } = open({ metrics })
    queue.add('a')
    queue.add('a')
    queue.add('b')
    queue.addLimited('c')
    await queue.take(never)
    const value = (name: string): number => metrics.value(name, { queue: 'test' })
    expect([
      value('workqueue_depth'),
      value('workqueue_adds_total'),
      value('workqueue_retries_total'),
      value('workqueue_wait_seconds'),
    ]).toEqual([1, 2, 1, 1])
  })

  it('loses no key and works on none twice at once, whatever the order of calls', async () => {
    const step = tuple(constantFrom('add', 'take', 'done', 'late'), constantFrom('a', 'b', 'c'))
    await assert(
      asyncProperty(array(step, { maxLength: 60 }), async (steps) => {
        const { queue, clock } = open()
        const working = new Set<string>()
        const owed = new Set<string>()
        const twice: string[] = []
        const taker = (): void => {
          const ending = new AbortController()
          void queue.take(ending.signal).then(
            (key) => {
              if (key === undefined) return
              if (working.has(key)) twice.push(key)
              working.add(key)
              owed.delete(key)
            },
            () => undefined,
          )
          ending.abort()
        }
        for (const [verb, key] of steps) {
          if (verb === 'add') queue.add(key)
          if (verb === 'late') queue.addAfter(key, 5)
          if (verb === 'add' || verb === 'late') owed.add(key)
          if (verb === 'take') taker()
          if (verb === 'done' && working.delete(key)) queue.done(key)
        }
        await clock.advance(10)
        for (const key of working) queue.done(key)
        working.clear()
        for (let more = 0; more < 4; more += 1) {
          taker()
          await Promise.resolve()
          for (const key of working) queue.done(key)
          working.clear()
        }
        await Promise.resolve()
        expect({ owed: [...owed], twice }).toEqual({ owed: [], twice: [] })
      }),
      { numRuns: 300 },
    )
  })
})
