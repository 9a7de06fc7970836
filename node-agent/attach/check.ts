// Decides what a CHECK compares: record and kernel here, the recorded attachments with their results by the plugins that the shim executes.
import { access } from 'node:fs/promises'
import { PlexusError } from '#api/errors'
import type { SandboxRecord } from '#api/sandbox-record'
import type { OperationAnswer, OperationRequest } from '#api/socket'
import { type AttachContext, about } from './attach-context.ts'
import { kernelDifference } from './check-kernel.ts'
import { isVisible } from './netns-path.ts'
import { readSandboxRequest } from './sandbox-request.ts'

/** `POST /v1/check`. Throws `UnknownContainer` (3), `CheckFailed` (100), `InvalidEnvironment` (4). */
export async function check(context: AttachContext, request: OperationRequest, signal: AbortSignal): Promise<OperationAnswer> {
  const { containerId, cniVersion, netns } = readSandboxRequest(request, 'CHECK')
  const record = await context.byKey.run(containerId, () => context.journal.read(containerId))
  if (record === undefined || record.state !== 'attached') {
    const state = record === undefined ? 'has no record' : `is ${record.state}`
    throw new PlexusError('UnknownContainer', `sandbox ${containerId} ${state} on this node; create the pod's sandbox anew`)
  }
  // What is being attached or detached to the running pod is not yet, or no longer, promised.
  const attachments = record.attachments.filter(({ pending }) => pending === undefined)
  await compareKernel(context, { ...record, netns, attachments }, signal)
  return { attachments, binDirs: context.primary.binDirs(), cniVersion }
}

const REMEDY = 'delete the pod to have it attached anew'

/** A namespace outside of the directory that the agent sees is compared by the plugins alone. */
async function compareKernel(context: AttachContext, record: SandboxRecord, signal: AbortSignal): Promise<void> {
  const { netnsDir, netns, log } = context
  if (!isVisible(netnsDir, record.netns)) {
    log.debug('the kernel state of a sandbox cannot be compared', { ...about(record), netns: record.netns })
    return
  }
  const isThere = await access(record.netns).then(
    () => true,
    () => false,
  )
  if (!isThere) throw failed(record, `its network namespace ${record.netns} is gone`)
  const difference = kernelDifference(record.attachments, await netns.read(record.netns, signal))
  if (difference !== undefined) throw failed(record, difference)
}

function failed({ pod, containerId }: SandboxRecord, what: string): PlexusError {
  return new PlexusError('CheckFailed', `CHECK of pod ${pod.namespace}/${pod.name} (sandbox ${containerId}): ${what}; ${REMEDY}`)
}
