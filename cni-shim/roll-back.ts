// Decides how a set of attachments is made or unmade: in order, an optional one may fail, and what was made is undone in reverse. Never reports it.
import type { CommitRequest, DelegateError, DetachOutcome, PlannedAttachment, RecordedAttachment } from '#api/socket'
import { type Attached, attach, type Delegates, detach } from './attachment.ts'

export type MadeAll =
  | { readonly ok: true; readonly made: readonly Attached[] }
  | { readonly ok: false; readonly made: readonly Attached[]; readonly attachment: PlannedAttachment; readonly error: DelegateError }

/**
 * Attaches in order. One that is not required is undone at once when it fails; any other failure ends it. What could not be undone ends it as
 * well: a commit forgets what was not made, so only a roll-back leaves the rest to the agent.
 */
export function attachAll(delegates: Delegates, attachments: readonly PlannedAttachment[]): MadeAll {
  const made: Attached[] = []
  for (const attachment of attachments) {
    const attached = attach(delegates, attachment)
    made.push(attached)
    if (attached.error === undefined) continue
    if (attachment.required) return { ok: false, made, attachment, error: attached.error }
    const left = detach(delegates, attached)
    if (left === undefined) continue
    const msg = `${attached.error.msg}; it is not required, but could not be undone: plugin ${left.plugin}: ${left.msg}`
    return { ok: false, made, attachment, error: { ...attached.error, msg } }
  }
  return { ok: true, made }
}

/** Undoes what was made, last first. One outcome per planned attachment: those that never ran count as detached. */
export function rollBack(delegates: Delegates, planned: readonly PlannedAttachment[], made: readonly Attached[]): readonly DetachOutcome[] {
  const errors = new Map(made.toReversed().map((attached) => [attached.attachment, detach(delegates, attached)] as const))
  return planned.map((attachment) => outcome(attachment, errors.get(attachment)))
}

/** DEL of recorded attachments, last first; every one is tried. */
export function detachAll(delegates: Delegates, recorded: readonly RecordedAttachment[]): readonly DetachOutcome[] {
  return recorded.toReversed().map((attachment) => {
    const ran = attachment.plugins.length
    return outcome(attachment, detach(delegates, { attachment, ran, ...(attachment.result && { result: attachment.result }) }))
  })
}

/** What a commit says of the attachments made. */
export function commitOf(made: readonly Attached[]): Pick<CommitRequest, 'results' | 'failed'> {
  const place = ({ attachment: { network, ifName } }: Attached): { readonly network: string; readonly ifName: string } => ({
    network,
    ifName,
  })
  return {
    results: made.flatMap((one) => (one.error === undefined ? [{ ...place(one), result: one.result ?? {} }] : [])),
    failed: made.flatMap((one) => (one.error === undefined ? [] : [{ ...place(one), error: one.error }])),
  }
}

function outcome(attachment: PlannedAttachment, error: DelegateError | undefined): DetachOutcome {
  const { network, ifName } = attachment
  return { network, ifName, ...(error && { error }) }
}
