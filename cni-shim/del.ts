// Decides the course of a DEL: the agent's list or the record's own, executed in reverse, and its outcome told or spooled.
import { ERRORS } from '#api/errors'
import type { DetachOutcome } from '#api/socket'
import { operation, otherRelease, reportDetached } from './add.ts'
import { ask } from './agent.ts'
import type { Delegates } from './attachment.ts'
import type { Call } from './call.ts'
import { type Answer, delegateFailure, type Failure } from './failure.ts'
import { parseOperationAnswer } from './guards.ts'
import { lockSandbox } from './lock.ts'
import { readRecord } from './record.ts'
import { detachAll } from './roll-back.ts'
import { openSlot, spool } from './spool.ts'
import type { System } from './system.ts'

/** A restart of the agent takes less; a DEL that waits longer holds up kubelet. */
const CONNECT_MS = 2_000
const ANSWER_MS = 10_000

/** An agent that is stopping, overrun or without disk has not recorded the DEL, and the runtime may never repeat it. */
const PASSING: readonly number[] = [ERRORS.TryAgainLater.cni, ERRORS.Io.cni, ERRORS.Internal.cni]

export function del(system: System, call: Call): Answer {
  const busy = lockSandbox(system, call)
  if (busy !== undefined) return busy
  const reply = ask(system, call.runDir, { path: '/v1/del', body: operation(call), connectMs: CONNECT_MS, answerMs: ANSWER_MS })
  if (reply.kind === 'refused' && !PASSING.includes(reply.error.code)) return { ok: false, error: reply.error }
  if (reply.kind !== 'answer') return delAlone(system, call)
  const plan = parseOperationAnswer(reply.body)
  if (plan === undefined) return otherRelease()
  if (plan.attachments.length === 0) return { ok: true }
  const delegates: Delegates = { system, call, binDirs: plan.binDirs }
  const outcomes = detachAll(delegates, plan.attachments)
  const reported = reportDetached(system, call, { outcomes })
  if (reported.kind === 'refused') return { ok: false, error: reported.error }
  if (reported.kind === 'answer') return answerOf(outcomes)
  const slot = openSlot(system, call)
  return slot.ok ? leave(delegates, slot.path, outcomes) : slot
}

/** The agent is away or cannot serve. The spool is asked for room before anything is executed. */
function delAlone(system: System, call: Call): Answer {
  const found = readRecord(system, call)
  if (found.kind === 'record' && found.record.state === 'gone') return { ok: true }
  const slot = openSlot(system, call)
  if (!slot.ok) return slot
  // No readable record: only the agent knows what to do (libcni's cache, the present primary), and it keeps retrying.
  if (found.kind !== 'record') return spool(system, call, { path: slot.path, outcomes: [], executed: false }) ?? { ok: true }
  const delegates: Delegates = { system, call, binDirs: found.record.binDirs }
  return leave(delegates, slot.path, detachAll(delegates, found.record.attachments))
}

function leave({ system, call }: Delegates, path: string, outcomes: readonly DetachOutcome[]): Answer {
  const notSpooled = spool(system, call, { path, outcomes, executed: true })
  return notSpooled ?? answerOf(outcomes)
}

/** All failures in one sentence with the first one's code, for information: the agent retries what is left. */
function answerOf(outcomes: readonly DetachOutcome[]): Answer {
  const failures: readonly Failure[] = outcomes.flatMap((outcome) =>
    outcome.error ? [delegateFailure('DEL', outcome, outcome.error)] : [],
  )
  const [first] = failures
  if (first === undefined) return { ok: true }
  return { ok: false, error: { ...first.error, msg: failures.map(({ error }) => error.msg).join(' / ') } }
}
