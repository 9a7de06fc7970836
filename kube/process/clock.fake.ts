// A Clock for tests whose time moves only when told to.
import type { Clock } from './clock.ts'

export interface FakeClock extends Clock {
  /** Moves time on, running due timers in order, and lets promises settle between them. */
  advance(ms: number): Promise<void>
  /** Moves time on without running anything, as for a process that was frozen. */
  freeze(ms: number): void
  /** How many timers wait. */
  timers(): number
  /** Milliseconds until the next timer; undefined when none waits. */
  nextTimer(): number | undefined
}

interface Timer {
  readonly at: number
  readonly run: () => void
}

/** Starts at 2026-01-01T00:00:00Z and monotonic 0. */
export function fakeClock(start = Date.UTC(2026, 0, 1)): FakeClock {
  let elapsed = 0
  const timers = new Set<Timer>()
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const next = (): Timer | undefined => [...timers].toSorted((a, b) => a.at - b.at)[0]
  const after = (ms: number, run: () => void): (() => void) => {
    const timer = { at: elapsed + Math.max(0, ms), run }
    timers.add(timer)
    return () => void timers.delete(timer)
  }
  return {
    now: () => new Date(start + elapsed),
    monotonic: () => elapsed,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason)
          return
        }
        const cancel = after(ms, resolve)
        signal.addEventListener(
          'abort',
          () => {
            cancel()
            reject(signal.reason)
          },
          { once: true },
        )
      }),
    freeze: (ms) => {
      elapsed += ms
    },
    timers: () => timers.size,
    nextTimer: () => {
      const timer = next()
      return timer === undefined ? undefined : timer.at - elapsed
    },
    advance: async (ms) => {
      const end = elapsed + ms
      await settle()
      for (let timer = next(); timer !== undefined && timer.at <= end; timer = next()) {
        elapsed = Math.max(elapsed, timer.at)
        timers.delete(timer)
        timer.run()
        // oxlint-disable-next-line no-await-in-loop
        await settle()
      }
      elapsed = end
      await settle()
    },
  }
}
