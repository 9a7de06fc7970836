// Decides what a CHECK compares: the recorded attachments with their results. Never executes a delegate.
import { PlexusError } from '#api/errors'
import type { OperationAnswer, OperationRequest } from '#api/socket'
import type { AttachContext } from './attach-context.ts'
import { readSandboxRequest } from './sandbox-request.ts'

/** `POST /v1/check`. */
export async function check(context: AttachContext, request: OperationRequest): Promise<OperationAnswer> {
  const { containerId, cniVersion } = readSandboxRequest(request, 'CHECK')
  const record = await context.byKey.run(containerId, () => context.journal.read(containerId))
  if (record === undefined || record.state !== 'attached') {
    const state = record === undefined ? 'has no record' : `is ${record.state}`
    throw new PlexusError('UnknownContainer', `sandbox ${containerId} ${state} on this node; create the pod's sandbox anew`)
  }
  return { attachments: record.attachments, binDirs: context.primary.binDirs(), cniVersion }
}
