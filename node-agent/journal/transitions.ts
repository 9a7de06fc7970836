// Decides which sandbox record follows which: planned, attached, deleting, gone. Pure; files are written by journal.ts.
import type { PodIdentity, SandboxRecord } from '#api/sandbox-record'
import type { DetachOutcome, PlannedAttachment, RecordedAttachment } from '#api/socket'

/** When a record changed: this boot's id and clock for ordering, wall clock for people. */
export interface Stamp {
  readonly bootId: string
  readonly changedAt: number
  readonly changed: string
}

/** What is known of a sandbox before anything is attached. */
export interface NewSandbox {
  readonly containerId: string
  readonly pod: PodIdentity
  readonly netns: string
  readonly ifName: string
  readonly cniVersion: string
  readonly binDirs: readonly string[]
  readonly attachments: readonly RecordedAttachment[]
  /** The networks annotation that the attachments answer to. */
  readonly annotation?: string
  readonly tkeStatus?: boolean
}

/** The first record of an ADD: from here on the delegates may run. */
export function plannedRecord(sandbox: NewSandbox, stamp: Stamp): SandboxRecord {
  return { version: 1, state: 'planned', origin: 'agent', ...sandbox, ...stamp }
}

/** A record for a sandbox that has none and is being deleted, so that the retry knows what is left. */
export function unrecordedDeleting(sandbox: NewSandbox, stamp: Stamp): SandboxRecord {
  return { version: 1, state: 'deleting', origin: 'agent', ...sandbox, ...stamp }
}

/** After commit. Attachments are those that were made, with their results; `statusPending` says that network-status is still to be written. */
export function attachedRecord(
  record: SandboxRecord,
  made: { readonly attachments: readonly RecordedAttachment[]; readonly statusPending: boolean },
  stamp: Stamp,
): SandboxRecord {
  const { statusPending: _, lastError: __, ...rest } = record
  return {
    ...rest,
    ...stamp,
    state: 'attached',
    attachments: made.attachments,
    ...(made.statusPending ? { statusPending: true } : {}),
  }
}

/** A DEL began. Its network-status is nobody's business any more. */
export function deletingRecord(record: SandboxRecord, stamp: Stamp): SandboxRecord {
  const { statusPending: _, ...rest } = record
  return record.state === 'deleting' ? record : { ...rest, ...stamp, state: 'deleting' }
}

/** After a DEL or a roll-back: what was detached is removed; what is left stays `deleting`; nothing left is a tombstone. */
export function afterDetach(record: SandboxRecord, outcomes: readonly DetachOutcome[], stamp: Stamp): SandboxRecord {
  const done = new Set(outcomes.filter(({ error }) => error === undefined).map(placeOf))
  const attachments = record.attachments.filter((attachment) => !done.has(placeOf(attachment)))
  const { statusPending: _, lastError: __, ...rest } = record
  const failure = outcomes.find(({ error }) => error !== undefined)?.error
  const lastError = failure === undefined ? record.lastError : `${failure.plugin}: ${failure.msg}`
  if (attachments.length === 0) return { ...rest, ...stamp, state: 'gone', attachments }
  return { ...rest, ...stamp, state: 'deleting', attachments, ...(lastError === undefined ? {} : { lastError }) }
}

/** Identity of an attachment within its sandbox. */
export function placeOf(attachment: Pick<PlannedAttachment, 'network' | 'ifName'>): string {
  return `${attachment.network} ${attachment.ifName}`
}
