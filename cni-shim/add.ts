// Decides the course of an ADD: plan, delegates, commit, and what is undone when one of them fails (architecture, "Runtime attach").
import {
  type CommitRequest,
  type DetachedRequest,
  type DetachOutcome,
  type OperationAnswer,
  type OperationRequest,
  PROTOCOL,
} from '#api/socket'
import { addAlone } from './add-alone.ts'
import { ask, type Reply } from './agent.ts'
import type { Attached, Delegates } from './attachment.ts'
import { type Call, environmentOf } from './call.ts'
import { type Answer, delegateFailure, type Failure, failure } from './failure.ts'
import { parseOperationAnswer } from './guards.ts'
import { lockSandbox } from './lock.ts'
import { isObject } from './read-json.ts'
import { attachAll, commitOf, rollBack } from './roll-back.ts'
import { openSlot, spool } from './spool.ts'
import type { System } from './system.ts'

const CONNECT_MS = 10_000
const PLAN_MS = 30_000
const COMMIT_MS = 10_000
const REPORT_MS = 5_000

/** The request of `/v1/plan`, `/v1/del` and `/v1/check`. */
export const operation =
  (call: Call) =>
  (deadline: number): OperationRequest => {
    return { protocol: PROTOCOL, env: environmentOf(call), config: call.config, startedAt: call.startedAt, deadline }
  }

export function add(system: System, call: Call): Answer {
  const busy = lockSandbox(system, call)
  if (busy !== undefined) return busy
  const plan = ask(system, call.runDir, { path: '/v1/plan', body: operation(call), connectMs: CONNECT_MS, answerMs: PLAN_MS })
  switch (plan.kind) {
    case 'answer': {
      const parsed = parseOperationAnswer(plan.body)
      return parsed === undefined ? otherRelease() : addPlanned(system, call, parsed)
    }
    case 'refused':
      return { ok: false, error: plan.error }
    case 'away':
      return addAlone(system, call, plan.cause)
    case 'lost': // The record may exist: the agent undoes it, and a new sandbox gets a new plan.
      return failure('AgentUnavailable', `the Plexus agent of this node did not answer (${plan.cause}); it is tried again`)
    default:
      return plan satisfies never
  }
}

function addPlanned(system: System, call: Call, plan: OperationAnswer): Answer {
  const delegates: Delegates = { system, call, binDirs: plan.binDirs }
  const all = attachAll(delegates, plan.attachments)
  const undo = (reason: Failure): Failure => undoAll(delegates, plan, { made: all.made, reason })
  if (!all.ok) return undo(delegateFailure('ADD', all.attachment, all.error))
  const body = (deadline: number): CommitRequest => ({
    protocol: PROTOCOL,
    containerId: call.containerId,
    deadline,
    ...commitOf(all.made),
  })
  const commit = ask(system, call.runDir, { path: '/v1/commit', body, connectMs: COMMIT_MS, answerMs: COMMIT_MS })
  if (commit.kind === 'refused') return undo({ ok: false, error: commit.error })
  if (commit.kind !== 'answer') {
    return undo(
      failure('AgentUnavailable', `the Plexus agent of this node did not confirm the attachments (${commit.cause}); it is tried again`),
    )
  }
  const { result } = commit.body
  return isObject(result) ? { ok: true, stdout: result } : undo(otherRelease())
}

/** Rolls back in reverse and tells the agent, or leaves it in the spool. The answer is the ADD's own failure. */
function undoAll(
  delegates: Delegates,
  plan: OperationAnswer,
  { made, reason }: { readonly made: readonly Attached[]; readonly reason: Failure },
): Failure {
  const { system, call } = delegates
  const outcomes = rollBack(delegates, plan.attachments, made)
  const reported = reportDetached(system, call, { outcomes, reason: reason.error.msg })
  if (reported.kind === 'answer' || reported.kind === 'refused') return reason // What the agent refuses it keeps and retries itself.
  const slot = openSlot(system, call)
  if (slot.ok) spool(system, call, { path: slot.path, outcomes, executed: true }) // Without it the record is still there, and the agent retries.
  return reason
}

/** `POST /v1/detached`. */
export function reportDetached(
  system: System,
  call: Call,
  report: { readonly outcomes: readonly DetachOutcome[]; readonly reason?: string },
): Reply {
  const body = (): DetachedRequest => ({ protocol: PROTOCOL, containerId: call.containerId, ...report })
  return ask(system, call.runDir, { path: '/v1/detached', body, connectMs: 0, answerMs: REPORT_MS })
}

/** An answer that this shim cannot read. */
export function otherRelease(): Failure {
  return failure('AgentUnavailable', 'the Plexus agent answered in words this shim does not know; both must be of the same release')
}
