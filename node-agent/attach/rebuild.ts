// Decides how the record of a living sandbox is made anew after it was lost: from the runtime's cache of our own ADD. Never executes a delegate.
import { access } from 'node:fs/promises'
import type { SandboxRecord } from '#api/sandbox-record'
import { PROTOCOL, type RecordedAttachment } from '#api/socket'
import { unrecordedDeleting } from '../journal/transitions.ts'
import { about, type AttachContext, stampNow } from './attach-context.ts'
import { planFor } from './plan.ts'
import { type CachedResult, isOwn } from './result-cache.ts'
import { readSandboxRequest } from './sandbox-request.ts'

/** Looks for results of our own ADDs without a record and records them again, as far as their namespace lives. */
export async function rebuildLost(context: AttachContext, signal: AbortSignal): Promise<void> {
  const { journal, unrecorded, byKey, log } = context
  const recorded = new Set(await journal.list())
  const lost = (await unrecorded.all()).filter((entry) => isOwn(entry) && !recorded.has(entry.containerId))
  for (const entry of lost) {
    signal.throwIfAborted()
    // oxlint-disable-next-line no-await-in-loop
    await byKey
      .run(entry.containerId, () => rebuild(context, entry, signal))
      .catch((error: unknown) => {
        signal.throwIfAborted()
        log.warn('the record of a sandbox cannot be made anew yet', { sandbox: entry.containerId, error })
      })
  }
}

async function rebuild(context: AttachContext, entry: CachedResult, signal: AbortSignal): Promise<void> {
  const lives = await access(entry.netns).then(
    () => true,
    () => false,
  )
  if (!lives) return
  const record = await recordOf(context, entry, signal)
  if (await context.journal.create(record)) {
    context.log.warn('the record of a sandbox was lost and is made anew', { ...about(record), attachments: record.attachments.length })
  }
}

/** What an ADD would attach now, with the primary's result as the runtime got it. */
async function recordOf(context: AttachContext, entry: CachedResult, signal: AbortSignal): Promise<SandboxRecord> {
  const { containerId, netns, ifName, cniArgs, capabilityArgs, result } = entry
  const env = { CNI_CONTAINERID: containerId, CNI_NETNS: netns, CNI_IFNAME: ifName, CNI_ARGS: cniArgs }
  const cniVersion = result?.['cniVersion'] ?? '1.0.0'
  const config = { cniVersion, runtimeConfig: capabilityArgs }
  const sandbox = readSandboxRequest({ protocol: PROTOCOL, env, config, startedAt: 0, deadline: 0 }, 'DEL')
  const { attachments, annotation } = await planFor(context, { ...sandbox, isLost: true }, signal)
  const known = attachments.map(
    (attachment): RecordedAttachment => (attachment.primary && result !== undefined ? { ...attachment, result } : attachment),
  )
  const { pod } = sandbox
  const binDirs = context.primary.binDirs()
  const record = unrecordedDeleting(
    { containerId, pod, netns, ifName, cniVersion: sandbox.cniVersion, binDirs, attachments: known, annotation },
    stampNow(context),
  )
  return { ...record, state: 'attached' }
}
