// Decides what a runtime's GC removes: exactly the recorded sandboxes that it does not name, then what each network's plugins find (spec/attachments 3.2).
import { PlexusError } from '#api/errors'
import type { SandboxRecord } from '#api/sandbox-record'
import type { GcRequest } from '#api/socket'
import { about, type AttachContext, countQueued, stampNow } from '../attach/attach-context.ts'
import { finish } from '../attach/retry.ts'
import { deletingRecord } from '../journal/transitions.ts'
import { type CollectionFailure, type Collector, collectNetworks } from './collect.ts'

/** `POST /v1/gc`. Goes on after errors; throws all of them in one sentence with the first plugin's code. */
export async function collectByVerb(
  context: AttachContext,
  collector: Collector,
  { request, signal }: { readonly request: GcRequest; readonly signal: AbortSignal },
): Promise<Record<string, never>> {
  const valid = new Set(request.valid.map(({ containerID }) => containerID))
  const left: string[] = []
  for (const containerId of await context.journal.list()) {
    signal.throwIfAborted()
    // oxlint-disable-next-line no-await-in-loop
    const problem = valid.has(containerId) ? undefined : await detachOrphan(context, collector, { containerId, request, signal })
    if (problem !== undefined) left.push(problem)
  }
  countQueued(context)
  const failures = await collectNetworks(context, collector, { told: request.valid, signal })
  if (left.length === 0 && failures.length === 0) return {}
  const said = [...left, ...failures.map(({ network, error }) => `network "${network}": plugin ${error.plugin}: ${error.msg}`)]
  throw new PlexusError('DelegateFailed', `GC: ${said.join(' / ')}; what is left is tried again`, codeOf(failures))
}

function codeOf([first]: readonly CollectionFailure[]): { readonly cniCode?: number } {
  return first === undefined ? {} : { cniCode: first.error.code }
}

interface Orphan {
  readonly containerId: string
  readonly request: GcRequest
  readonly signal: AbortSignal
}

/** DEL of one sandbox that the runtime does not know; the answer says what is left of it. */
async function detachOrphan(context: AttachContext, { runner, lockDir }: Collector, orphan: Orphan): Promise<string | undefined> {
  const { containerId, request, signal } = orphan
  const { byKey, journal, later, boot, log } = context
  const isOrphan = await byKey.run(containerId, async () => {
    const record = await journal.read(containerId)
    if (record === undefined || !isJudged(record, request, boot.id)) return false
    log.warn('a sandbox is not known to its runtime; it is detached', about(record))
    await journal.write(deletingRecord(record, stampNow(context)))
    return true
  })
  if (!isOrphan) return undefined
  const outcome = await finish(context, { runner, lockDir }, { containerId, signal }).catch(
    (cause: unknown) => ({ kind: 'retry', cause }) as const,
  )
  if (outcome.kind === 'done') return undefined
  later.retry(containerId)
  const cause = outcome.kind === 'retry' && outcome.cause instanceof Error ? outcome.cause.message : 'somebody works on it'
  return `sandbox ${containerId}: ${cause}`
}

/** A sandbox of this boot that changed after the runtime made its list is not judged by it; one that is planned belongs to its ADD. */
function isJudged({ state, bootId, changedAt }: SandboxRecord, { startedAt }: GcRequest, present: string): boolean {
  if (state === 'deleting') return true
  return state === 'attached' && (bootId !== present || changedAt < startedAt)
}
