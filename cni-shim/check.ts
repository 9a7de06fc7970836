// Decides the course of a CHECK: the agent compares record and kernel, then every recorded attachment is checked by its own plugins, in the order of ADD.
import { operation, otherRelease } from './add.ts'
import { ask } from './agent.ts'
import { check as checkAttachment } from './attachment.ts'
import type { Call } from './call.ts'
import { type Answer, delegateFailure, failure } from './failure.ts'
import { parseOperationAnswer } from './guards.ts'
import { lockSandbox } from './lock.ts'
import type { System } from './system.ts'

const CONNECT_MS = 10_000
const ANSWER_MS = 20_000

export function check(system: System, call: Call): Answer {
  const busy = lockSandbox(system, call)
  if (busy !== undefined) return busy
  const reply = ask(system, call.runDir, { path: '/v1/check', body: operation(call), connectMs: CONNECT_MS, answerMs: ANSWER_MS })
  if (reply.kind === 'refused') return { ok: false, error: reply.error }
  if (reply.kind !== 'answer')
    return failure('AgentUnavailable', `the Plexus agent of this node is away (${reply.cause}); it is tried again`)
  const plan = parseOperationAnswer(reply.body)
  if (plan === undefined) return otherRelease()
  for (const attachment of plan.attachments) {
    const { result, disableCheck } = attachment
    if (disableCheck === true) continue
    const error = checkAttachment({ system, call, binDirs: plan.binDirs }, { attachment, ...(result && { result }) })
    if (error !== undefined) return delegateFailure('CHECK', attachment, error)
  }
  return { ok: true }
}
