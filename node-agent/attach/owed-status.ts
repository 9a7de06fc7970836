// Decides what becomes of a network-status that is not written yet: owed in the record, tried until written or the pod is gone. Never fails an ADD.
import type { SandboxRecord } from '#api/sandbox-record'
import { about, type AttachContext, stampNow } from './attach-context.ts'

/** Longest wait outside of an ADD. */
const LATER_MS = 10_000

/** Writes into the record that its status is owed and asks for a retry. Callers hold the sandbox's turn. */
export async function oweStatus(context: AttachContext, record: SandboxRecord, cause: unknown): Promise<void> {
  context.log.warn('network-status is owed', { ...about(record), error: cause })
  await context.journal.write({ ...record, ...stampNow(context), statusPending: true })
  const message = 'network-status could not be written to the pod yet; it is tried again until the API server takes it'
  context.events.warn(record.pod, 'NetworkStatusPending', message)
  context.later.retry(record.containerId)
}

/** Writes the status of a plain pod after its ADD was answered. */
export function writeStatusLater(context: AttachContext, record: SandboxRecord): void {
  const write = async (): Promise<void> => {
    try {
      await context.status.write(record, { deadlineMs: LATER_MS })
    } catch (cause) {
      await context.byKey.run(record.containerId, async () => {
        const present = await context.journal.read(record.containerId)
        if (present?.state === 'attached') await oweStatus(context, present, cause)
      })
    }
  }
  write().catch((error: unknown) => context.log.error('an owed network-status could not be recorded', { ...about(record), error }))
}

/** One try of an owed status; throws when it must be tried again. Callers hold the sandbox's turn. */
export async function payStatus(context: AttachContext, record: SandboxRecord, signal: AbortSignal): Promise<void> {
  await context.status.write(record, { deadlineMs: LATER_MS, signal })
  const { statusPending: _, ...paid } = record
  await context.journal.write({ ...paid, ...stampNow(context) })
}
