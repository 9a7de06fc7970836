// Adapter of the Clock port to the machine's clocks and timers. Decides nothing.
import type { Clock } from './clock.ts'

/** setTimeout fires at once above this; nothing here needs to wait 24 days in one piece. */
const longestTimer = 2 ** 31 - 1

/** The clock of this machine. */
export function systemClock(): Clock {
  const after = (ms: number, run: () => void): (() => void) => {
    const timer = setTimeout(run, Math.min(Math.max(0, ms), longestTimer))
    return () => clearTimeout(timer)
  }
  return {
    now: () => new Date(),
    monotonic: () => performance.now(),
    after,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason)
          return
        }
        const onAbort = (): void => {
          cancel()
          reject(signal.reason)
        }
        const cancel = after(ms, () => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        })
        signal.addEventListener('abort', onAbort, { once: true })
      }),
  }
}
