// Decides the course of an ADD while the agent is away: a plain pod gets the cached primary, recorded before the delegate runs; any other waits.
import { hasAddressOn, parseResult } from '#api/cni/result'
import { resultAs } from '#api/cni/result-text'
import { isCniVersion } from '#api/cni/version'
import { type JsonObject, sentenceOf } from '#api/json'
import type { NodeFile } from '#api/node-file'
import type { RecordedAttachment } from '#api/socket'
import type { Attached, Delegates } from './attachment.ts'
import type { Call } from './call.ts'
import { type Answer, delegateFailure, type Failure, failure } from './failure.ts'
import { readNodeFile } from './node-state.ts'
import { plainness, primaryAttachment } from './primary.ts'
import { claimSandbox, writeRecord } from './record.ts'
import { attachAll, rollBack } from './roll-back.ts'
import type { System } from './system.ts'

export function addAlone(system: System, call: Call, cause: string): Answer {
  const node = readNodeFile(system, call)
  const plain = plainness(call, node)
  if (node === undefined || !plain.plain) {
    const because = plain.plain ? '' : `; the primary alone will not do: ${plain.because}`
    return failure('AgentUnavailable', `the Plexus agent of this node is away (${cause})${because}; it is tried again`)
  }
  return addPrimary(system, call, { node, attachment: primaryAttachment(call, plain.primary, node.delegateTimeoutMs) })
}

function addPrimary(system: System, call: Call, options: { readonly node: NodeFile; readonly attachment: RecordedAttachment }): Answer {
  const { node, attachment } = options
  const { binDirs } = node
  const refused = claimSandbox(system, call, { state: 'planned', attachments: [attachment], binDirs })
  if (refused !== undefined) return refused
  const delegates: Delegates = { system, call, binDirs }
  const all = attachAll(delegates, [attachment])
  const undo = (reason: Failure): Failure => undoPrimary(delegates, { attachment, made: all.made, reason })
  if (!all.ok) return undo(delegateFailure('ADD', attachment, all.error))
  const result = all.made[0]?.result ?? {}
  const answer = forRuntime(call, attachment, result)
  if (!answer.ok) return undo(answer)
  const notWritten = writeRecord(system, call, { state: 'attached', attachments: [{ ...attachment, result }], binDirs })
  return notWritten === undefined ? answer : undo(notWritten)
}

/** The primary's result in the conf's version. containerd fails later and worse without an address. */
function forRuntime(call: Call, attachment: RecordedAttachment, result: JsonObject): Answer {
  const version = result['cniVersion']
  const parsed = parseResult(result, typeof version === 'string' && isCniVersion(version) ? version : call.cniVersion)
  if (!parsed.ok) return failure('Undecodable', `result of network "${attachment.network}": ${sentenceOf(parsed)}`)
  if (!hasAddressOn(parsed.result, attachment.ifName)) {
    return failure(
      'PrimaryIncomplete',
      `the primary network "${attachment.network}" gave ${attachment.ifName} no address; see its configuration`,
    )
  }
  const written = resultAs(parsed.result, call.cniVersion)
  return written.ok
    ? { ok: true, stdout: written.json }
    : failure('Undecodable', `result of network "${attachment.network}": ${sentenceOf(written)}`)
}

/** What could not be undone stays in the record for the agent. */
function undoPrimary(
  delegates: Delegates,
  { attachment, made, reason }: { readonly attachment: RecordedAttachment; readonly made: readonly Attached[]; readonly reason: Failure },
): Failure {
  const { system, call, binDirs } = delegates
  const [outcome] = rollBack(delegates, [attachment], made)
  const error = outcome?.error
  const own =
    error === undefined
      ? ({ state: 'gone', attachments: [] } as const)
      : ({ state: 'deleting', attachments: [attachment], lastError: error.msg } as const)
  writeRecord(system, call, { ...own, binDirs }) // Unwritten, the record says `planned`, which the agent undoes as well.
  return reason
}
