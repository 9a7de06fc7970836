// Decides when which key is worked on: deduplicated, delayed, rate limited. Never runs the work.
import { openDelayLine } from './delay-line.ts'
import { openKeyLine } from './key-line.ts'
import type { Clock, Random } from './process/clock.ts'
import type { Metrics } from './process/metrics.ts'
import { openTokenBucket } from './process/token-bucket.ts'
import { openQueueMeter } from './queue-meter.ts'

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

/** Opens an empty queue. */
export function openWorkQueue(options: WorkQueueOptions): WorkQueue {
  const { clock } = options
  const meter = openQueueMeter(options.name, options.metrics)
  const waitOf = openKeyBackoff(options)
  const line = openKeyLine(clock, meter)
  const takers = new Set<(key: string | undefined) => void>()
  let open = true

  const serve = (): void => {
    for (const taker of takers) {
      const key = line.next()
      if (key === undefined && open) return
      takers.delete(taker)
      taker(key)
    }
  }
  const add = (key: string): void => {
    if (line.add(key)) serve()
  }
  const delayed = openDelayLine(clock, add)
  return {
    add,
    addAfter: (key, ms) => {
      if (ms <= 0) add(key)
      else if (open) delayed.add(key, ms)
    },
    addLimited: (key) => {
      const ms = waitOf.next(key)
      meter.retried()
      if (open) delayed.add(key, ms)
      return ms
    },
    forget: (key) => waitOf.forget(key),
    take: (signal) => waitForKey(takers, serve, signal),
    done: (key) => {
      if (line.done(key)) serve()
    },
    shutdown: () => {
      open = false
      delayed.clear()
      line.close()
      serve()
    },
  }
}

function waitForKey(takers: Set<(key: string | undefined) => void>, serve: () => void, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = (): void => {
      takers.delete(taker)
      reject(signal.reason)
    }
    const taker = (key: string | undefined): void => {
      signal.removeEventListener('abort', onAbort)
      resolve(key)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    takers.add(taker)
    serve()
  })
}

/** The longer of the key's own back-off (half of it fixed, half random) and the wait for a token that all keys share. */
function openKeyBackoff(options: WorkQueueOptions): { next(key: string): number; forget(key: string): void } {
  const { minMs, maxMs } = options.backoff ?? { minMs: 5, maxMs: 1_000_000 }
  const bucket = openTokenBucket({ ...(options.bucket ?? { perSecond: 10, burst: 100 }), clock: options.clock })
  const failures = new Map<string, number>()
  return {
    next: (key) => {
      const before = failures.get(key) ?? 0
      failures.set(key, before + 1)
      const full = Math.min(maxMs, minMs * 2 ** before)
      return Math.max(full * (0.5 + 0.5 * options.random()), bucket.reserve())
    },
    forget: (key) => void failures.delete(key),
  }
}
