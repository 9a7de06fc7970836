// Decides which record follows which while networks of a running pod change: under way before its delegates run, settled after. Pure.
import type { JsonObject } from '#api/json'
import type { SandboxRecord } from '#api/sandbox-record'
import type { DetachOutcome, PlannedAttachment, RecordedAttachment } from '#api/socket'
import { placeOf, type Stamp } from '../journal/transitions.ts'

/** From here on the attachment's delegates may run: the pod's DEL, a retry or the next agent detaches it. */
export function attaching(record: SandboxRecord, attachment: PlannedAttachment, stamp: Stamp): SandboxRecord {
  return { ...record, ...stamp, attachments: [...record.attachments, { ...attachment, pending: 'attaching' }] }
}

/** The attachment was made. network-status is owed from here on. */
export function attachmentMade(
  record: SandboxRecord,
  made: PlannedAttachment & { readonly result: JsonObject },
  stamp: Stamp,
): SandboxRecord {
  const attachments = record.attachments.map((each) => (placeOf(each) === placeOf(made) ? made : each))
  return { ...record, ...stamp, attachments, statusPending: true }
}

/** These are being detached. */
export function detaching(record: SandboxRecord, leaving: readonly RecordedAttachment[], stamp: Stamp): SandboxRecord {
  const places = new Set(leaving.map(placeOf))
  const attachments = record.attachments.map((each) => (places.has(placeOf(each)) ? { ...each, pending: 'detaching' as const } : each))
  return { ...record, ...stamp, attachments }
}

/** What was detached is removed, and network-status is owed; what failed stays and is tried again. */
export function afterUnplug(record: SandboxRecord, outcomes: readonly DetachOutcome[], stamp: Stamp): SandboxRecord {
  const done = new Set(outcomes.filter(({ error }) => error === undefined).map(placeOf))
  const attachments = record.attachments.filter((each) => !done.has(placeOf(each)))
  return { ...record, ...stamp, attachments, ...(done.size === 0 ? {} : { statusPending: true }) }
}

/** Attachments that a delegate may have left half made or half undone. */
export function unsettled({ attachments }: SandboxRecord): readonly RecordedAttachment[] {
  return attachments.filter(({ pending }) => pending !== undefined)
}

/** The attachments answer to this annotation as far as they ever will. */
export function answersTo(record: SandboxRecord, annotation: string, stamp: Stamp): SandboxRecord {
  return { ...record, ...stamp, annotation }
}
