import { getEventListeners } from 'node:events'
import { array, assert, integer, property } from 'fast-check'
import { openBackoff } from './backoff.ts'
import { fakeClock } from './clock.fake.ts'
import { DeadlineError, openDeadline, withDeadline } from './deadline.ts'
import { openHeap } from './heap.ts'
import { systemClock } from './system-clock.ts'
import { openTokenBucket } from './token-bucket.ts'
import { openWatchdog } from './watchdog.ts'

describe('back-off', () => {
  it('stays between its bounds and never above three times the last wait', () => {
    assert(
      property(array(integer({ min: 0, max: 999 }), { minLength: 1, maxLength: 40 }), (draws) => {
        let at = 0
        const backoff = openBackoff({ minMs: 800, maxMs: 30_000, random: () => (draws[at++ % draws.length] ?? 0) / 1000 })
        let last = 800
        for (const _ of draws) {
          const wait = backoff.next()
          expect(wait).toBeGreaterThanOrEqual(800)
          expect(wait).toBeLessThanOrEqual(Math.min(30_000, last * 3))
          last = wait
        }
      }),
    )
  })

  it('starts over after a reset', () => {
    const backoff = openBackoff({ minMs: 10, maxMs: 1000, random: () => 1 })
    expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([30, 90, 270])
    backoff.reset()
    expect(backoff.next()).toBe(30)
  })

  it('waits at least what a server asked for, and spreads it upwards', () => {
    expect(openBackoff({ minMs: 10, maxMs: 1000, random: () => 0 }).next(5000)).toBe(5000)
    expect(openBackoff({ minMs: 10, maxMs: 1000, random: () => 1 }).next(5000)).toBe(6000)
  })
})

describe('deadline', () => {
  it('aborts at its time with what took too long', async () => {
    const clock = fakeClock()
    const { signal } = openDeadline({ what: 'reading', ms: 100, clock })
    await clock.advance(99)
    expect(signal.aborted).toBe(false)
    await clock.advance(1)
    expect(signal.reason).toBeInstanceOf(DeadlineError)
    expect(String(signal.reason)).toContain('reading took longer than 100 ms')
  })

  it("aborts with a caller's reason", () => {
    const ending = new AbortController()
    const { signal } = openDeadline({ what: 'reading', ms: 100, clock: fakeClock(), signals: [undefined, ending.signal] })
    ending.abort('enough')
    expect(signal.reason).toBe('enough')
  })

  it('ends work that ignores its signal, and leaves no timer', async () => {
    const clock = fakeClock()
    const working = withDeadline({ what: 'reading', ms: 100, clock }, () => new Promise(() => undefined))
    const failed = expect(working).rejects.toBeInstanceOf(DeadlineError)
    await clock.advance(100)
    await failed
    await withDeadline({ what: 'reading', ms: 100, clock }, async () => 'fine')
    expect(clock.timers()).toBe(0)
  })

  it("is forgotten by a caller's signal that lives on", async () => {
    const ending = new AbortController()
    const listeners = (): number => getEventListeners(ending.signal, 'abort').length
    const deadline = openDeadline({ what: 'reading', ms: 100, clock: fakeClock(), signals: [ending.signal] })
    expect(listeners()).toBe(1)
    deadline.clear()
    await withDeadline({ what: 'reading', ms: 100, clock: fakeClock(), signals: [ending.signal] }, async () => 'fine')
    expect(listeners()).toBe(0)
  })

  it('goes on to heed its callers when only the limit is lifted', async () => {
    const clock = fakeClock()
    const ending = new AbortController()
    const deadline = openDeadline({ what: 'reading', ms: 100, clock, signals: [ending.signal] })
    deadline.lift()
    await clock.advance(1000)
    expect(deadline.signal.aborted).toBe(false)
    ending.abort('enough')
    expect(deadline.signal.reason).toBe('enough')
  })

  it('does not start work for a caller that is gone', async () => {
    let started = false
    const gone = withDeadline(
      { what: 'reading', ms: 100, clock: fakeClock(), signals: [AbortSignal.abort(new Error('gone'))] },
      async () => {
        started = true
      },
    )
    await expect(gone).rejects.toThrow('gone')
    expect(started).toBe(false)
  })
})

describe('heap', () => {
  it('gives everything back in order of time', () => {
    assert(
      property(array(integer()), (times) => {
        const heap = openHeap<{ readonly at: number }>()
        for (const at of times) heap.push({ at })
        const popped: number[] = []
        for (let entry = heap.pop(); entry !== undefined; entry = heap.pop()) popped.push(entry.at)
        expect(popped).toEqual(times.toSorted((a, b) => a - b))
      }),
    )
  })
})

describe('token bucket', () => {
  it('lets a burst pass, then keeps the rate, and fills up again', async () => {
    const clock = fakeClock()
    const bucket = openTokenBucket({ perSecond: 2, burst: 2, clock })
    expect([bucket.reserve(), bucket.reserve(), bucket.reserve(), bucket.reserve()]).toEqual([0, 0, 500, 1000])
    await clock.advance(60_000)
    expect([bucket.reserve(), bucket.reserve(), bucket.reserve()]).toEqual([0, 0, 500])
  })
})

describe('watchdog', () => {
  it('fires once after silence, counted from the last touch', async () => {
    const clock = fakeClock()
    const fired: number[] = []
    const dog = openWatchdog({ clock, limitMs: () => 100, onSilence: () => fired.push(clock.monotonic()) })
    await clock.advance(60)
    dog.touch()
    await clock.advance(1000)
    expect(fired).toEqual([160])
  })

  it('heeds a limit that shrinks, within a check interval', async () => {
    const clock = fakeClock()
    let limit = 400_000
    let fired = 0
    openWatchdog({ clock, limitMs: () => limit, onSilence: () => (fired += 1) })
    limit = 90_000
    await clock.advance(105_000)
    expect(fired).toBe(1)
  })
})

describe('system clock', () => {
  it('wakes a sleeper, or rejects with the reason of its signal', async () => {
    const clock = systemClock()
    await expect(clock.sleep(1, new AbortController().signal)).resolves.toBeUndefined()
    await expect(clock.sleep(1000, AbortSignal.abort(new Error('before')))).rejects.toThrow('before')
    const ending = new AbortController()
    const sleeping = clock.sleep(1_000_000, ending.signal)
    ending.abort(new Error('during'))
    await expect(sleeping).rejects.toThrow('during')
  })
})
