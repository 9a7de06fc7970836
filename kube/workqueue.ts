// Decides when which key is worked on: deduplicated, delayed, rate limited. Never runs the work.
import type { Clock, Random } from './process/clock.ts'
import type { Metrics } from './process/metrics.ts'

/** A queue of keys. A key is never handed out twice at the same time; adding one in work queues it again after `done`. */
export interface WorkQueue {
  add(key: string): void
  /** Adds after `ms`; an earlier time already waiting wins. */
  addAfter(key: string, ms: number): void
  /** Adds after the key's own exponential back-off and the queue's token bucket; answers the wait in ms. */
  addLimited(key: string): number
  /** Ends the key's back-off. */
  forget(key: string): void
  /** The next key; undefined when the queue is shut down and drained. Rejects when the signal aborts. */
  take(signal: AbortSignal): Promise<string | undefined>
  done(key: string): void
  /** Accepts nothing more and forgets delayed keys; what is queued is still handed out. */
  shutdown(): void
}

export interface WorkQueueOptions {
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly metrics?: Metrics | undefined
  /** Back-off of one key: 5 ms doubling to 1000 s. */
  readonly backoff?: { readonly minMs: number; readonly maxMs: number } | undefined
  /** All keys together: 10 per second, bursts of 100. */
  readonly bucket?: { readonly perSecond: number; readonly burst: number } | undefined
}
