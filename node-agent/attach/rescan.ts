// Decides which sandboxes need the agent although nobody asked: adopted from shims, dead without a DEL, old tombstones. Never executes a delegate.
import { access, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { SandboxRecord } from '#api/sandbox-record'
import { tryLock } from '../delegates/sandbox-lock.ts'
import { deletingRecord } from '../journal/transitions.ts'
import { isVisible } from './netns-path.ts'
import { about, type AttachContext, countQueued, stampNow } from './attach-context.ts'

/** How long a tombstone keeps a late ADD of a deleted sandbox from starting. */
const TOMBSTONE_MS = 3_600_000
/** Two looks at least this far apart must find the netns gone. */
const LOOKS_APART_MS = 60_000

/** What the agent remembers between two looks. */
export interface Rescan {
  /** Looks at every record once. The first look, at start, also adopts what was left from before. */
  look(signal: AbortSignal): Promise<void>
}

export function openRescan(context: AttachContext, lockDir: string): Rescan {
  const missingSince = new Map<string, number>()
  let isFirst = true
  return {
    look: async (signal) => {
      const containerIds = await context.journal.list()
      for (const containerId of containerIds) {
        signal.throwIfAborted()
        const adopt = isFirst || !context.journal.summaries.has(containerId)
        // One sandbox at a time: this runs beside ADDs and is never in a hurry.
        // oxlint-disable-next-line no-await-in-loop
        await lookAt(context, { containerId, adopt, missingSince, lockDir, signal }).catch((error: unknown) => {
          signal.throwIfAborted()
          context.log.error('a sandbox could not be looked at', { sandbox: containerId, error })
        })
      }
      isFirst = false
      forgetOthers(missingSince, new Set(containerIds))
      countQueued(context)
    },
  }
}

interface Look {
  readonly containerId: string
  readonly adopt: boolean
  readonly missingSince: Map<string, number>
  readonly lockDir: string
  readonly signal: AbortSignal
}

async function lookAt(context: AttachContext, look: Look): Promise<void> {
  await context.byKey.run(look.containerId, async () => {
    const record = await context.journal.read(look.containerId)
    if (record === undefined) return
    if (record.state === 'gone') await pruneTombstone(context, record, look.lockDir)
    else if (record.state === 'attached') await lookAtAttached(context, record, look)
    else if (look.adopt) context.later.lookAfter(record.containerId, 0)
  })
}

async function lookAtAttached(context: AttachContext, record: SandboxRecord, look: Look): Promise<void> {
  if (await isDead(context, record, look)) {
    context.log.warn('a sandbox is dead and its runtime never deleted it; the agent detaches it', about(record))
    await context.journal.write(deletingRecord(record, stampNow(context)))
    context.later.lookAfter(record.containerId, 0)
  } else if (look.adopt && record.statusPending !== true && record.origin === 'shim') {
    // The shim attached it alone: its network-status was never written.
    context.log.info('a sandbox that was attached without the agent is adopted', about(record))
    await context.journal.write({ ...record, statusPending: true })
    context.later.lookAfter(record.containerId, 0)
  } else if (look.adopt && record.statusPending === true) {
    context.later.lookAfter(record.containerId, 0)
  }
}

/**
 * Evidence: the netns is gone, twice, and so is the pod, or the pod has a newer sandbox; or the netns is gone and the node was booted since.
 * Of a namespace in a directory that the agent does not see, absence proves nothing.
 */
async function isDead(context: AttachContext, record: SandboxRecord, { missingSince, signal }: Look): Promise<boolean> {
  if (record.netns === '' || (await exists(record.netns))) {
    missingSince.delete(record.containerId)
    return false
  }
  if (record.bootId !== context.boot.id) return true
  if (!isVisible(context.netnsDir, record.netns)) return false
  const now = context.clock.monotonic()
  const since = missingSince.get(record.containerId) ?? now
  missingSince.set(record.containerId, since)
  if (now - since < LOOKS_APART_MS) return false
  if (record.pod.name === '' || (await hasNewerSandbox(context, record))) return true
  return (await context.pods.find(record.pod, signal)) === undefined
}

/** A pod has one sandbox at a time: a later one that lives proves that this one does not. */
async function hasNewerSandbox({ journal }: AttachContext, record: SandboxRecord): Promise<boolean> {
  if (record.pod.uid === '') return false
  for (const [containerId, { state }] of journal.summaries) {
    if (state !== 'attached' || containerId === record.containerId) continue
    // oxlint-disable-next-line no-await-in-loop
    const other = await journal.read(containerId)
    const isNewer = other?.bootId === record.bootId && other.changedAt > record.changedAt
    // oxlint-disable-next-line no-await-in-loop
    if (other?.state === 'attached' && isNewer && other.pod.uid === record.pod.uid && (await exists(other.netns))) return true
  }
  return false
}

async function pruneTombstone(context: AttachContext, record: SandboxRecord, lockDir: string): Promise<void> {
  const { boot, journal } = context
  if (record.bootId === boot.id && boot.nowMs() - record.changedAt < TOMBSTONE_MS) return
  const path = join(lockDir, record.containerId)
  const lock = await tryLock(path)
  if (lock === undefined) return
  try {
    await context.unrecorded.forget(record.containerId)
    await journal.remove(record.containerId)
    // Removed while held: whoever opened it meanwhile is a late operation on a sandbox that is long gone.
    await rm(path, { force: true })
  } finally {
    await lock.release()
  }
}

function forgetOthers(missingSince: Map<string, number>, present: ReadonlySet<string>): void {
  for (const containerId of missingSince.keys()) if (!present.has(containerId)) missingSince.delete(containerId)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
