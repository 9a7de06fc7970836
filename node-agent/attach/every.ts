// Decides that periodic work neither overlaps nor dies: once at start, then again `ms` after it ended, until stopped.
import type { Clock } from '#kube/process/clock'
import type { Log } from '#kube/process/log'

export interface EveryOptions {
  /** For the log. */
  readonly what: string
  readonly ms: number
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
  work(signal: AbortSignal): Promise<void>
}

/** Resolves when `signal` aborted and nothing runs any more; never rejects. */
export async function every(options: EveryOptions): Promise<void> {
  const { what, ms, clock, log, signal } = options
  while (!signal.aborted) {
    try {
      // oxlint-disable-next-line no-await-in-loop
      await options.work(signal)
    } catch (error) {
      if (!signal.aborted) log.error('periodic work failed; it is done again', { what, error })
    }
    // oxlint-disable-next-line no-await-in-loop
    await clock.sleep(ms, signal).catch(() => undefined)
  }
}
