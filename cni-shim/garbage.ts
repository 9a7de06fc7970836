// Decides the course of a GC: the runtime's list goes to the agent, which knows every network's attachments. Never executes a plugin.
import { type GcRequest, PROTOCOL, type ValidAttachment } from '#api/socket'
import { ask } from './agent.ts'
import type { Call } from './call.ts'
import { type Answer, failure } from './failure.ts'
import { isObject, listOf } from './read-json.ts'
import type { System } from './system.ts'

const CONNECT_MS = 10_000
/** DEL of every orphan and GC of every network. */
const ANSWER_MS = 120_000

export function collectGarbage(system: System, call: Call): Answer {
  const valid = listOf(call.config['cni.dev/valid-attachments'] ?? call.config['cni.dev/attachments'], parseValid)
  if (valid === undefined) {
    // Taken for an empty list, this would take the network from every pod of the node.
    return failure('InvalidConfig', 'cni.dev/valid-attachments: it is missing or no list of attachments; the runtime must pass it for GC')
  }
  const body = (deadline: number): GcRequest => ({ protocol: PROTOCOL, valid, startedAt: call.startedAt, deadline })
  const reply = ask(system, call.runDir, { path: '/v1/gc', body, connectMs: CONNECT_MS, answerMs: ANSWER_MS })
  if (reply.kind === 'answer') return { ok: true }
  if (reply.kind === 'refused') return { ok: false, error: reply.error }
  // Without the agent nobody knows the further interfaces of the valid pods, so nothing may be collected.
  return failure('AgentUnavailable', `the Plexus agent of this node is away (${reply.cause}); nothing was collected, it does so by itself`)
}

function parseValid(value: unknown): ValidAttachment | undefined {
  if (!isObject(value)) return undefined
  const { containerID, ifname } = value
  return typeof containerID === 'string' && typeof ifname === 'string' ? { containerID, ifname } : undefined
}
