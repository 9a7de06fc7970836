// Decides what a DEL detaches and what its record says afterwards; the answer to a DEL is never an error about the sandbox. Never executes a delegate.
import { PlexusError } from '#api/errors'
import type { SandboxRecord } from '#api/sandbox-record'
import type { DetachedRequest, OperationAnswer, OperationRequest, RecordedAttachment } from '#api/socket'
import { afterDetach, deletingRecord, unrecordedDeleting } from '../journal/transitions.ts'
import { about, type AttachContext, countQueued, stampNow } from './attach-context.ts'
import { forgetDevices } from './forget-devices.ts'
import { planFor } from './plan.ts'
import { readSandboxRequest, type SandboxRequest } from './sandbox-request.ts'

/** When the agent first looks whether the shim of a DEL reported. */
const FIRST_LOOK_MS = 15_000

/** `POST /v1/del`. */
export async function del(context: AttachContext, request: OperationRequest, signal: AbortSignal): Promise<OperationAnswer> {
  const sandbox = readSandboxRequest(request, 'DEL')
  return context.byKey.run(sandbox.containerId, () => delSandbox(context, { request, sandbox, signal }))
}

async function delSandbox(context: AttachContext, deletion: Deletion): Promise<OperationAnswer> {
  const { boot, primary, later } = context
  const { request, sandbox, signal } = deletion
  if (request.deadline <= boot.nowMs()) {
    throw new PlexusError('PlanExpired', 'the agent of this node was too busy to answer this DEL in time; it is tried again')
  }
  const record = await toDeleting(context, sandbox, { cniArgs: request.env.CNI_ARGS ?? '', signal })
  if (record.state === 'deleting') later.lookAfter(sandbox.containerId, FIRST_LOOK_MS)
  else context.meter.ended('DEL', 0)
  return { attachments: record.attachments, binDirs: primary.binDirs(), cniVersion: sandbox.cniVersion }
}

interface Deletion {
  readonly request: OperationRequest
  readonly sandbox: SandboxRequest
  readonly signal: AbortSignal
}

/** What is known of a sandbox besides its request. */
interface Unknown {
  readonly cniArgs: string
  readonly signal: AbortSignal
}

/** The record in the state `deleting`, or its tombstone. */
async function toDeleting(context: AttachContext, sandbox: SandboxRequest, { cniArgs, signal }: Unknown): Promise<SandboxRecord> {
  const { journal } = context
  const known = await journal.read(sandbox.containerId)
  if (known?.state === 'gone' || known?.state === 'deleting') return known
  const record =
    known === undefined ? await unknownSandbox(context, sandbox, { cniArgs, signal }) : deletingRecord(known, stampNow(context))
  await journal.write(record)
  return record
}

/** A sandbox without a record, asked for by the runtime: refused at its plan, older than Plexus, or its record was lost. */
async function unknownSandbox(context: AttachContext, sandbox: SandboxRequest, { cniArgs, signal }: Unknown): Promise<SandboxRecord> {
  if (context.unplanned.delete(sandbox.containerId)) return unrecordedSandbox(context, sandbox, [])
  return unrecordedSandbox(context, sandbox, await foundAttachments(context, sandbox, { cniArgs, signal }))
}

/** What was attached to a sandbox without a record: as libcni or Multus cached it, else what an ADD would attach now, else the primary. */
export async function foundAttachments(
  context: AttachContext,
  sandbox: SandboxRequest,
  { cniArgs, signal }: Unknown,
): Promise<readonly RecordedAttachment[]> {
  const { containerId, ifName, cniVersion } = sandbox
  const query = { containerId, ifName, cniArgs, cniVersion }
  const cached = await context.unrecorded.cached(query)
  if (cached.length > 0) return cached
  // Plugins take a DEL of what was never attached for done, so what an ADD would attach now covers a lost record best.
  return planFor(context, { ...sandbox, isLost: true }, signal).then(
    ({ attachments }) => attachments,
    () => context.unrecorded.primaryAlone(query),
  )
}

/** A record for a sandbox that has none, so that a failed DEL is retried; with nothing to detach it is a tombstone. */
export function unrecordedSandbox(
  context: AttachContext,
  sandbox: Pick<SandboxRequest, 'containerId' | 'pod' | 'netns' | 'ifName' | 'cniVersion' | 'path'>,
  attachments: readonly RecordedAttachment[],
): SandboxRecord {
  const { containerId, pod, netns, ifName, cniVersion, path } = sandbox
  const binDirs = [...new Set([...path, ...context.primary.binDirs()])]
  const record = unrecordedDeleting({ containerId, pod, netns, ifName, cniVersion, binDirs, attachments }, stampNow(context))
  context.log.info('a sandbox without a record is deleted', { ...about(record), attachments: attachments.length })
  return attachments.length === 0 ? { ...record, state: 'gone' } : record
}

/** `POST /v1/detached`. */
export async function detached(context: AttachContext, request: DetachedRequest): Promise<Record<string, never>> {
  return context.byKey.run(request.containerId, async () => {
    const record = await context.journal.read(request.containerId)
    if (record !== undefined && record.state !== 'gone') await settle(context, record, request)
    return {}
  })
}

async function settle(context: AttachContext, record: SandboxRecord, request: DetachedRequest): Promise<void> {
  const { journal, later, meter, events } = context
  const { reason } = request
  const next = afterDetach(record, request.outcomes, stampNow(context))
  await forgetDevices(context, record, next)
  await journal.write(next)
  countQueued(context)
  if (next.state === 'deleting') later.retry(next.containerId)
  const failure = request.outcomes.find(({ error }) => error !== undefined)?.error
  if (reason === undefined) meter.ended('DEL', failure?.code ?? 0)
  else events.warn(record.pod, 'FailedAttach', reason)
  const fields = { ...about(record), left: next.attachments.length, reason, lastError: next.lastError }
  if (next.state === 'gone' && reason === undefined) context.log.info('sandbox detached', fields)
  else context.log.warn('sandbox rolled back or not wholly detached', fields)
}
