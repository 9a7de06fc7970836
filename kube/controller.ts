// Decides what happens after a reconcile: nothing, wait, or again with back-off. Never knows what is being reconciled.
import type { Clock } from './process/clock.ts'
import { openDeadline } from './process/deadline.ts'
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
  /** Reconciles that run at this moment. */
  active(): number
  /** Shuts the queue down, lets running reconciles end until `graceMs` (5 s), then aborts them; resolves when no worker runs. */
  stop(graceMs?: number): Promise<void>
}

/** A reconcile that ignores its signal is left alone after this long, so that it cannot hold a worker for ever. */
const ignoredSignalMs = 10_000

/** Starts the workers. */
export function startController(options: ControllerOptions): Controller {
  const { clock, log, queue } = options
  const meter = openControllerMeter(options.name, options.metrics)
  const ending = new AbortController()
  const drained = new AbortController()
  let active = 0

  const finish = (key: string, outcome: Outcome): void => {
    meter.outcome(outcome.kind)
    settle(options, key, outcome)
    queue.done(key)
  }
  const work = async (key: string): Promise<void> => {
    const deadline = openDeadline({ what: `the reconcile of ${key}`, ms: options.deadlineMs, clock, signals: [ending.signal] })
    const started = clock.monotonic()
    active += 1
    try {
      finish(key, await reconcileOnce(options, key, deadline.signal))
    } finally {
      active -= 1
      meter.took((clock.monotonic() - started) / 1000)
      deadline.clear()
    }
  }
  const worker = async (): Promise<void> => {
    for (;;) {
      // A worker does one thing after the other.
      // oxlint-disable no-await-in-loop
      const key = await queue.take(drained.signal).catch(() => undefined)
      if (key === undefined) return
      await unlessStuck(work(key), {
        clock,
        ms: options.deadlineMs + ignoredSignalMs,
        onStuck: () => log.error('a reconcile ignores its deadline', { controller: options.name, key, bug: true }),
      })
      // oxlint-enable no-await-in-loop
    }
  }
  const workers = Promise.all(Array.from({ length: options.workers }, worker))
  return {
    active: () => active,
    stop: async (graceMs = 5000) => {
      queue.shutdown()
      const cancel = clock.after(graceMs, () => {
        drained.abort(new Error('the controller stops'))
        ending.abort(new Error('the controller stops'))
      })
      await workers
      cancel()
    },
  }
}

async function reconcileOnce(options: ControllerOptions, key: string, signal: AbortSignal): Promise<Outcome> {
  try {
    return await options.reconcile(key, signal)
  } catch (cause) {
    return { kind: 'retry', cause }
  }
}

/** What an outcome means for the queue and the log. */
function settle(options: ControllerOptions, key: string, outcome: Outcome): void {
  const { log, queue } = options
  const fields = { controller: options.name, key }
  switch (outcome.kind) {
    case 'done':
      queue.forget(key)
      return
    case 'waiting':
      queue.forget(key)
      log.debug('waiting', { ...fields, for: outcome.for, afterMs: outcome.afterMs })
      if (outcome.afterMs !== undefined) queue.addAfter(key, outcome.afterMs)
      return
    case 'stuck':
      queue.forget(key)
      log.warn('stuck until something changes', { ...fields, reason: outcome.reason, problem: outcome.message })
      return
    case 'retry':
      log.warn('failed and will be tried again', { ...fields, afterMs: Math.round(queue.addLimited(key)), error: outcome.cause })
      return
    default:
      outcome satisfies never
  }
}

/** Resolves with the work, or when it is so late that it must be ignoring its signal; its key stays taken until it ends. */
function unlessStuck(work: Promise<void>, limit: { readonly clock: Clock; readonly ms: number; onStuck(): void }): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = limit.clock.after(limit.ms, () => {
      limit.onStuck()
      resolve()
    })
    work.finally(cancel).then(resolve, reject)
  })
}

function openControllerMeter(
  controller: string,
  metrics: Metrics | undefined,
): { outcome(kind: Outcome['kind']): void; took(seconds: number): void } {
  if (metrics === undefined) return { outcome: () => undefined, took: () => undefined }
  const outcomes = metrics.counter({ name: 'reconcile_total', help: 'Reconciles by how they ended.', labels: ['controller', 'outcome'] })
  const buckets = [0.001, 0.01, 0.1, 1, 10, 60]
  const seconds = metrics
    .histogram({ name: 'reconcile_seconds', help: 'How long a reconcile took.', labels: ['controller'], buckets })
    .with({ controller })
  return { outcome: (kind) => outcomes.with({ controller, outcome: kind }).add(), took: (value) => seconds.observe(value) }
}
