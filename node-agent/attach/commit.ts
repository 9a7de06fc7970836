// Decides whether an ADD succeeded: the primary is whole, the record is durable, network-status is written or owed. Never executes a delegate.
import { type CniResult, hasAddressOn } from '#api/cni/result'
import { resultAs } from '#api/cni/result-text'
import { DEFAULT_CNI_VERSION, isCniVersion } from '#api/cni/version'
import { PlexusError } from '#api/errors'
import { type JsonObject, sentenceOf } from '#api/json'
import type { SandboxRecord } from '#api/sandbox-record'
import type { CommitAnswer, CommitRequest, PlannedAttachment, RecordedAttachment } from '#api/socket'
import { attachedRecord, placeOf } from '../journal/transitions.ts'
import { routeSandbox } from '../routes/route-sandbox.ts'
import { isPlainSandbox, resultOf } from '../status/network-status-of.ts'
import { about, type AttachContext, stampNow } from './attach-context.ts'
import { forgetDevices } from './forget-devices.ts'
import { oweStatus, writeStatusLater } from './owed-status.ts'

/** Longest wait for the API server within an ADD. */
const STATUS_MS = 2000

/** `POST /v1/commit`. */
export async function commit(context: AttachContext, request: CommitRequest, signal?: AbortSignal): Promise<CommitAnswer> {
  return context.byKey.run(request.containerId, () => commitSandbox(context, request, signal))
}

async function commitSandbox(context: AttachContext, request: CommitRequest, signal?: AbortSignal): Promise<CommitAnswer> {
  checkTime(context, request)
  const planned = await context.journal.read(request.containerId)
  if (planned === undefined || planned.state !== 'planned') {
    const state = planned === undefined ? 'has no record' : `is ${planned.state}`
    const sentence = `sandbox ${request.containerId} ${state} and cannot be committed; its attachments must be rolled back`
    throw new PlexusError('CommitRefused', sentence)
  }
  const plain = await withDeviceInfo(context, attachmentsMade(planned, request))
  primaryAnswer(planned, plain)
  const routed = await routesMoved(context, { planned, made: plain, signal })
  return commitMade(context, { request, planned, made: routed.made }).catch(async (error: unknown) => {
    await routed.undo()
    throw error
  })
}

async function commitMade(
  context: AttachContext,
  { request, planned, made }: { readonly request: CommitRequest; readonly planned: SandboxRecord; readonly made: readonly Made[] },
): Promise<CommitAnswer> {
  const answer = primaryAnswer(planned, made)
  const attached = attachedRecord(
    planned,
    { attachments: made.map(({ attachment }) => attachment), statusPending: false },
    stampNow(context),
  )

  await forgetDevices(context, planned, attached)
  await (isPlainSandbox(attached) ? context.journal.write(attached) : writeBoth(context, attached))
  if (isPlainSandbox(attached)) writeStatusLater(context, attached)
  tell(context, { request, planned, made })
  context.log.info('sandbox attached', { ...about(attached), attachments: attached.attachments.length })
  return { result: answer }
}

/** The shim of a late commit has undone everything: attached, it would show a pod addresses that are no longer there. */
function checkTime({ boot }: AttachContext, { containerId, deadline }: CommitRequest): void {
  if (deadline === undefined || deadline > boot.nowMs()) return
  throw new PlexusError(
    'PlanExpired',
    `the agent of this node was too busy to confirm sandbox ${containerId} in time; its attachments are rolled back and kubelet tries again`,
  )
}

/** An attachment with the result that was parsed from it. */
interface Made {
  readonly attachment: RecordedAttachment
  readonly result: CniResult
}

/** What was made, with the default routes that the pod asked for. */
async function routesMoved(
  { routes, clock, log }: AttachContext,
  { planned, made, signal }: { readonly planned: SandboxRecord; readonly made: readonly Made[]; readonly signal: AbortSignal | undefined },
): Promise<{ readonly made: readonly Made[]; readonly undo: () => Promise<void> }> {
  const sandbox = { netns: planned.netns, attachments: made.map(({ attachment }) => attachment) }
  const routed = await routeSandbox(routes, sandbox, { clock, log, ...(signal && { signal }) })
  const parsed = routed.attachments.map((attachment, index) => {
    const before = made[index]
    return before?.attachment === attachment ? before : madeOf(attachment, attachment.result ?? {})
  })
  return { made: parsed, undo: routed.undo }
}

/** The planned attachments that were made, in order; throws when a required one has no result or a result cannot be read. */
function attachmentsMade(planned: SandboxRecord, request: CommitRequest): readonly Made[] {
  const results = new Map(request.results.map((item) => [placeOf(item), item.result]))
  const failed = new Set(request.failed.map(placeOf))
  const made: Made[] = []
  for (const attachment of planned.attachments) {
    const result = results.get(placeOf(attachment))
    if (result === undefined && !attachment.required && failed.has(placeOf(attachment))) continue
    if (result === undefined) {
      throw new PlexusError(
        'CommitRefused',
        `network ${attachment.network} (${attachment.ifName}) has no result; its attachments must be rolled back`,
      )
    }
    made.push(madeOf(attachment, result))
  }
  return made
}

function madeOf(attachment: PlannedAttachment, result: JsonObject): Made {
  const parsed = resultOf(attachment, result)
  if (parsed.ok) return { attachment: { ...attachment, result }, result: parsed.result }
  throw new PlexusError('DelegateFailed', `network ${attachment.network}: its result cannot be read: ${sentenceOf(parsed)}`)
}

/** Adds what the devices' files say by now; attachments without devices cost nothing. */
async function withDeviceInfo({ devices }: AttachContext, made: readonly Made[]): Promise<readonly Made[]> {
  return Promise.all(
    made.map(async (one) => {
      const { attachment } = one
      const info = attachment.device === undefined ? undefined : await devices.files.read(attachment)
      if (attachment.device === undefined || info === undefined) return one
      return { ...one, attachment: { ...attachment, device: { ...attachment.device, info } } }
    }),
  )
}

/** The primary's result in the version of the runtime's conf; throws when the runtime would fail on it later and worse. */
function primaryAnswer(planned: SandboxRecord, made: readonly Made[]): CommitAnswer['result'] {
  const primary = made.find(({ attachment }) => attachment.primary)
  if (primary === undefined) throw new PlexusError('PrimaryIncomplete', 'the plan has no primary network; attach the pod again')
  const { network, ifName } = primary.attachment
  if (!hasAddressOn(primary.result, ifName)) {
    const sentence = `the primary network "${network}" yielded no address on interface "${ifName}"; check its plugins and its IPAM`
    throw new PlexusError('PrimaryIncomplete', sentence)
  }
  const version = isCniVersion(planned.cniVersion) ? planned.cniVersion : DEFAULT_CNI_VERSION
  const written = resultAs(primary.result, version)
  if (!written.ok) throw new PlexusError('IncompatibleCniVersion', `the primary network "${network}": ${sentenceOf(written)}`)
  return written.json
}

/**
 * Record and network-status. With `Retry` both go at once and the record is written again only when the status is owed: a crash in
 * between leaves the shim without an answer, and it rolls back. With `Fail` the status comes first.
 */
async function writeBoth(context: AttachContext, attached: SandboxRecord): Promise<void> {
  const { journal, status, meter, snapshot } = context
  const failed = async (): Promise<unknown> => {
    try {
      await meter.timed('ADD', 'status', () => status.write(attached, { deadlineMs: STATUS_MS }))
      return undefined
    } catch (error) {
      return error ?? new Error('unknown')
    }
  }
  if (snapshot.profile()?.spec.statusWrite === 'Fail') {
    const cause = await failed()
    if (cause !== undefined) {
      const sentence = 'network-status of the pod cannot be written and the profile says statusWrite: Fail; kubelet tries again by itself'
      throw new PlexusError('StatusNotWritten', sentence, { cause })
    }
    await journal.write(attached)
    return
  }
  const [cause] = await Promise.all([failed(), journal.write(attached)])
  if (cause !== undefined) await oweStatus(context, attached, cause)
}

function tell(
  { events }: AttachContext,
  told: { readonly request: CommitRequest; readonly planned: SandboxRecord; readonly made: readonly Made[] },
): void {
  const { pod } = told.planned
  for (const { attachment, result } of told.made) {
    if (!attachment.primary) events.added(pod, attachment.ifName, { network: attachment.network, result })
  }
  for (const { network, ifName, error } of told.request.failed) {
    events.warn(
      pod,
      'NetworkIgnored',
      `network ${network} (${ifName}) could not be attached and is not required: ${error.plugin}: ${error.msg}`,
    )
  }
}
