// Decides what the agent itself does for a sandbox that nobody else finishes: DEL of what is left, owed network-status. Runtimes do not retry reliably.
import { join } from 'node:path'
import type { SandboxRecord } from '#api/sandbox-record'
import { type Controller, type Outcome, startController } from '#kube/controller'
import type { Random } from '#kube/process/clock'
import type { Metrics } from '#kube/process/metrics'
import { openWorkQueue, type WorkQueue } from '#kube/workqueue'
import { detachAll } from '../delegates/detach.ts'
import type { PluginRunner } from '../delegates/plugin-process.ts'
import { type SandboxLock, tryLock } from '../delegates/sandbox-lock.ts'
import { afterDetach } from '../journal/transitions.ts'
import { about, type AttachContext, countQueued, type Later, stampNow } from './attach-context.ts'
import { forgetDevices } from './forget-devices.ts'
import { payStatus } from './owed-status.ts'

/** First wait and longest wait between two tries of one sandbox. */
const BACKOFF = { minMs: 1000, maxMs: 300_000 }
/** How soon to look again while the shim of this sandbox lives. */
const BUSY_MS = 5000
/** All attachments of a sandbox, each with its own limit. */
const DEADLINE_MS = 600_000

/** The queue of sandboxes that need the agent, and the port that others put them in by. */
export interface RetryQueue {
  readonly queue: WorkQueue
  readonly later: Later
}

export function openRetryQueue(options: {
  readonly clock: AttachContext['clock']
  readonly random: Random
  readonly metrics: Metrics
}): RetryQueue {
  const queue = openWorkQueue({ name: 'sandboxes', backoff: BACKOFF, ...options })
  return {
    queue,
    later: {
      lookAfter: (containerId, ms) => queue.addAfter(containerId, ms),
      retry: (containerId) => void queue.addLimited(containerId),
    },
  }
}

export interface RetryOptions {
  readonly queue: WorkQueue
  readonly runner: PluginRunner
  /** Directory of the sandboxes' locks. */
  readonly lockDir: string
  readonly metrics: Metrics
}

/** Starts the workers. */
export function startRetry(context: AttachContext, options: RetryOptions): Controller {
  const { clock, log } = context
  const reconcile = (containerId: string, signal: AbortSignal): Promise<Outcome> => finish(context, options, { containerId, signal })
  return startController({ name: 'sandboxes', workers: 2, deadlineMs: DEADLINE_MS, clock, log, reconcile, ...options })
}

type FinishOptions = Pick<RetryOptions, 'runner' | 'lockDir'>

/** One look at one sandbox. Idempotent: a finished sandbox needs nothing. */
export async function finish(
  context: AttachContext,
  options: FinishOptions,
  look: { readonly containerId: string; readonly signal: AbortSignal },
): Promise<Outcome> {
  return context.byKey.run(look.containerId, async () => {
    const record = await context.journal.read(look.containerId)
    if (record === undefined) return { kind: 'done' }
    switch (record.state) {
      case 'gone':
        return { kind: 'done' }
      case 'attached':
        if (record.statusPending === true) await payStatus(context, record, look.signal)
        return { kind: 'done' }
      case 'planned':
      case 'deleting':
        return detachLocked(context, { ...options, record, signal: look.signal })
      default:
        return record.state satisfies never
    }
  })
}

/** A held lock is a living shim (or its delegate): the sandbox is in good hands. */
async function detachLocked(
  context: AttachContext,
  look: FinishOptions & { readonly record: SandboxRecord; readonly signal: AbortSignal },
): Promise<Outcome> {
  const lock = await tryLock(join(look.lockDir, look.record.containerId))
  if (lock === undefined) return { kind: 'waiting', for: 'the shim that works on this sandbox', afterMs: BUSY_MS }
  try {
    return await detachRecord(context, { ...look, lock })
  } finally {
    await lock.release()
  }
}

interface Look extends FinishOptions {
  readonly record: SandboxRecord
  readonly lock: SandboxLock
  readonly signal: AbortSignal
}

async function detachRecord(context: AttachContext, { record, lock, runner, signal }: Look): Promise<Outcome> {
  const { journal, log, meter } = context
  const outcomes = await detachAll(record, { runner, binDirs: context.primary.binDirs(), lockFd: lock.fd, signal })
  const next = afterDetach(record, outcomes, stampNow(context))
  await forgetDevices(context, record, next)
  await journal.write(next)
  countQueued(context)
  if (next.state === 'gone') {
    meter.ended('DEL', 0)
    log.info('sandbox detached by the agent', { ...about(record), was: record.state })
    return { kind: 'done' }
  }
  log.warn('sandbox could not be detached; it is tried again', {
    ...about(record),
    left: next.attachments.length,
    lastError: next.lastError,
  })
  return { kind: 'retry', cause: new Error(next.lastError ?? 'a delegate failed') }
}
