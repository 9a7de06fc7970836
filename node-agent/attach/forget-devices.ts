// Decides when a device-info file goes: with its attachment, before the record forgets it. Never fails a DEL.
import type { SandboxRecord } from '#api/sandbox-record'
import { placeOf } from '../journal/transitions.ts'
import type { AttachContext } from './attach-context.ts'

/** Removes the files of attachments that `before` has and `after` has not. Written before the record, so that a crash leaves no file without one. */
export async function forgetDevices(
  { devices }: Pick<AttachContext, 'devices'>,
  before: Pick<SandboxRecord, 'attachments'>,
  after: Pick<SandboxRecord, 'attachments'>,
): Promise<void> {
  const kept = new Set(after.attachments.map(placeOf))
  const gone = before.attachments.filter((attachment) => attachment.device !== undefined && !kept.has(placeOf(attachment)))
  if (gone.length > 0) await devices.files.remove(gone)
}
