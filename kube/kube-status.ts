// Decides what an answer of the API server that is not a success means: reads metav1.Status, Retry-After and network errors. Pure.
import { isError } from './process/is-error.ts'
import type { ErrorCause, KubeFailure } from './kube-error.ts'

/** An HTTP answer that was not 2xx. `retryAfter` is the header's text, `now` the wall clock in ms. */
export interface RefusedAnswer {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly text: string
  readonly now: number
}

/** What failed, for the message: `get pods/status default/web`. */
export type What = string

/** Reads a refused answer. A body that is no metav1.Status is quoted, cut at 300 characters. */
export function failureOfAnswer(what: What, answer: RefusedAnswer): KubeFailure {
  const parsed = parseJson(answer.text)
  const status = record(parsed)['kind'] === 'Status' ? record(parsed) : undefined
  const failure = failureOfStatus(what, status ?? { code: answer.status, message: quote(answer.text) })
  return {
    ...failure,
    status: answer.status,
    reason: failure.reason === '' ? (reasons[answer.status] ?? 'Unknown') : failure.reason,
    retryAfterMs: retryAfterMs(answer.retryAfter, answer.now) ?? failure.retryAfterMs,
  }
}

/** Reads a metav1.Status object, as it also comes inside a watch stream. */
export function failureOfStatus(what: What, value: unknown): KubeFailure {
  const status = record(value)
  const details = record(status['details'])
  const code = number(status['code']) ?? 500
  const reason = text(status['reason'])
  const seconds = number(details['retryAfterSeconds'])
  const said = text(status['message'])
  return {
    status: code,
    reason,
    message: `${what} was refused with ${code}${reason === '' ? '' : ` ${reason}`}${said === '' ? '' : `: ${said}`}`,
    causes: list(details['causes']).map(causeOf),
    retryAfterMs: seconds === undefined || seconds <= 0 ? undefined : seconds * 1000,
  }
}

/** A call that got no answer. */
export function failureOfNetwork(what: What, error: unknown): KubeFailure {
  return {
    status: 0,
    reason: 'Unreachable',
    message: `${what} got no answer (${networkCode(error)}); check that the API server is reachable from here`,
    causes: [],
    retryAfterMs: undefined,
  }
}

/** The code of a network error (`ECONNRESET`, `UND_ERR_SOCKET`…), looked for along its causes. */
export function networkCode(error: unknown): string {
  for (let at: unknown = error; isError(at); at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code
  }
  return isError(error) ? error.message : String(error)
}

/** Milliseconds of a Retry-After header: seconds or an HTTP date; undefined when absent or unreadable. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\d+$/u.test(header.trim())) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/** Reasons of answers that did not come from the API machinery, for example from a load balancer. */
const reasons: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'UnknownResource',
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}

function causeOf(value: unknown): ErrorCause {
  const cause = record(value)
  return { field: text(cause['field']), reason: text(cause['reason']), message: text(cause['message']) }
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function quote(body: string): string {
  const line = body.trim().replaceAll(/\s+/gu, ' ')
  return line.length > 300 ? `${line.slice(0, 300)}…` : line
}

/** The entries of an object; empty for anything else. */
function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {}
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
