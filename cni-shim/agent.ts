// Decides how long the shim waits for the agent and what each kind of silence means. Never decides what to do without it.
import type { CniError } from '#api/errors'
import type { JsonObject } from '#api/json'
import { SOCKET_PATH } from '#api/sandbox-record'
import { MAX_MESSAGE_BYTES } from '#api/socket'
import { formatPost, parseAnswer } from './http.ts'
import type { System } from './system.ts'

/** `away`: nothing was sent. `lost`: it was sent, and whether the agent acted is unknown. `refused`: the agent's error, to be printed as it is. */
export type Reply =
  | { readonly kind: 'answer'; readonly body: JsonObject }
  | { readonly kind: 'refused'; readonly error: CniError }
  | { readonly kind: 'away'; readonly cause: string }
  | { readonly kind: 'lost'; readonly cause: string }

export interface Question {
  readonly path: '/v1/plan' | '/v1/commit' | '/v1/del' | '/v1/detached' | '/v1/check' | '/v1/gc'
  /** Made once connected: `deadline` is CLOCK_BOOTTIME in ms after which we no longer wait. */
  readonly body: (deadline: number) => object
  /** How long to try to connect; 0 is one try. */
  readonly connectMs: number
  /** From the first try to connect until the answer is here. */
  readonly answerMs: number
}

const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 250

/** Asks the agent behind `runDir` one question on a connection of its own. */
export function ask(system: System, runDir: string, question: Question): Reply {
  const deadline = system.clock.boottime() + question.answerMs
  const connected = connect(system, `${runDir}/${SOCKET_PATH}`, question.connectMs)
  if (connected.kind === 'away') return connected
  const request = formatPost(question.path, question.body(deadline))
  const exchanged = connected.connection.exchange(request, { deadline, maxBytes: MAX_MESSAGE_BYTES })
  if (exchanged.kind === 'lost') return exchanged
  const answer = parseAnswer(exchanged.text)
  if (answer === undefined) return { kind: 'lost', cause: 'the connection ended within the answer' }
  if (answer.status === 200) return { kind: 'answer', body: answer.body }
  const { code, msg, details } = answer.body
  if (typeof code !== 'number' || typeof msg !== 'string')
    return { kind: 'lost', cause: `the answer has status ${answer.status} and no error` }
  return { kind: 'refused', error: { code, msg, ...(typeof details === 'string' && { details }) } }
}

function connect(system: System, path: string, connectMs: number): ReturnType<System['agent']['connect']> {
  const until = system.clock.boottime() + connectMs
  let pause = FIRST_PAUSE_MS
  for (;;) {
    const left = until - system.clock.boottime()
    const connected = system.agent.connect(path, Math.max(left, LONGEST_PAUSE_MS))
    if (connected.kind === 'connected' || left <= 0) return connected
    system.clock.pause(Math.min(pause, Math.max(left, 1)))
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
  }
}
