// Decides how a failure is told to the runtime: code, sentence, and the words that a DEL must never use.
import { type CniError, ERRORS, type ErrorCode } from '#api/errors'
import type { JsonObject } from '#api/json'
import type { DelegateError } from '#api/socket'

/** What a verb answers: stdout of the CNI spec, or an error object and exit status 1. */
export type Answer = { readonly ok: true; readonly stdout?: JsonObject } | Failure

export interface Failure {
  readonly ok: false
  readonly error: CniError
  /** For our log alone: what was thrown where nothing should be. */
  readonly bug?: string
}

/** A failure of the registry. `msg` is one sentence with cause and remedy. */
export function failure(code: ErrorCode, msg: string): Failure {
  return { ok: false, error: { code: ERRORS[code].cni, msg, details: code } }
}

/** A delegate's failure: its code is kept, its message says for which interface it was. */
export function delegateFailure(verb: string, where: { readonly network: string; readonly ifName: string }, error: DelegateError): Failure {
  const msg = `${verb} of network "${where.network}" on ${where.ifName}: plugin ${error.plugin}: ${error.msg}`
  return { ok: false, error: { code: error.code, msg, details: 'DelegateFailed' } }
}

/** go-cni takes a DEL error with these words for success, and forgets the sandbox. */
export function withoutAbsence(error: CniError): CniError {
  const clean = (text: string): string => text.replace(/no such file( or directory)?/gi, 'path is absent').replace(/not found/gi, 'absent')
  return { ...error, msg: clean(error.msg), ...(error.details === undefined ? {} : { details: clean(error.details) }) }
}
