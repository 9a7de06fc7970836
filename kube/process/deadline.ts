// Decides how a limit of time and a caller's signal become one signal. Never ends anything itself.
import type { Clock } from './clock.ts'
import { linkSignals } from './linked-signal.ts'

/** A wait that took longer than it may. */
export class DeadlineError extends Error {
  readonly what: string
  readonly ms: number

  constructor(what: string, ms: number) {
    super(`${what} took longer than ${ms} ms; the work was given up and may be tried again`)
    this.name = 'DeadlineError'
    this.what = what
    this.ms = ms
  }
}

/** A signal that aborts at the deadline or with any of the callers' signals. */
export interface Deadline {
  readonly signal: AbortSignal
  /** Must be called when the work ended, else timer and callers' signals hold on to it. */
  clear(): void
  /** Ends only the limit of time; the callers' signals go on to count. */
  lift(): void
}

/** Combines a limit of `ms` with the callers' signals. */
export function openDeadline(options: {
  readonly what: string
  readonly ms: number
  readonly clock: Clock
  readonly signals?: readonly (AbortSignal | undefined)[]
}): Deadline {
  const linked = linkSignals(options.signals ?? [])
  const lift = options.clock.after(options.ms, () => linked.abort(new DeadlineError(options.what, options.ms)))
  return {
    signal: linked.signal,
    lift,
    clear: () => {
      lift()
      linked.unlink()
    },
  }
}

/** Runs `work` under a limit of `ms`; rejects with DeadlineError or the caller's reason even if `work` ignores its signal. */
export async function withDeadline<T>(
  options: { readonly what: string; readonly ms: number; readonly clock: Clock; readonly signals?: readonly (AbortSignal | undefined)[] },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = openDeadline(options)
  try {
    deadline.signal.throwIfAborted()
    return await new Promise<T>((resolve, reject) => {
      deadline.signal.addEventListener('abort', () => reject(deadline.signal.reason), { once: true })
      work(deadline.signal).then(resolve, reject)
    })
  } finally {
    deadline.clear()
  }
}

/** The work, or the signal's reason as soon as it aborts; for work that does not listen to signals itself. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    work.finally(() => signal.removeEventListener('abort', onAbort)).then(resolve, reject)
  })
}
