// Decides what happens after a reconcile: nothing, wait, or again with back-off. Never knows what is being reconciled.
import type { Clock } from './process/clock.ts'
import type { Log } from './process/log.ts'
import type { Metrics } from './process/metrics.ts'
import type { WorkQueue } from './workqueue.ts'

/** How a reconcile ended. */
export type Outcome =
  | { readonly kind: 'done' }
  /** Not our turn: `for` says whose. Comes back after `afterMs`, or with the next change when that is not given. */
  | { readonly kind: 'waiting'; readonly for: string; readonly afterMs?: number }
  /** Failed for a reason that passes: again with back-off. */
  | { readonly kind: 'retry'; readonly cause: unknown }
  /** A person must act; comes back with the next change. */
  | { readonly kind: 'stuck'; readonly reason: string; readonly message: string }

export interface ControllerOptions {
  readonly name: string
  readonly queue: WorkQueue
  /** One reconcile. `signal` aborts at the deadline and at `stop`. A thrown error means `retry`. */
  reconcile(key: string, signal: AbortSignal): Promise<Outcome>
  readonly workers: number
  /** Longest time of one reconcile. */
  readonly deadlineMs: number
  readonly clock: Clock
  readonly log: Log
  readonly metrics?: Metrics | undefined
}

export interface Controller {
  /** Shuts the queue down, lets running reconciles end until `graceMs` (5 s), then aborts them; resolves when no worker runs. */
  stop(graceMs?: number): Promise<void>
}
