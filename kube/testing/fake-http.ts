// What tests of a fake API server say and see: options, faults, requests, and how a refusal looks on the wire.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Coordinates } from './fake-objects.ts'
import { Refusal } from './fake-objects.ts'

export interface FakeApiServerOptions {
  readonly resources: readonly Coordinates[]
  /** False: an API server that refuses sendInitialEvents. */
  readonly watchList?: boolean
  /** Answers of reviews, by plural, for example tokenreviews. */
  readonly reviews?: Readonly<Record<string, (sent: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>>>
  /** Bearer tokens that are let in; anybody when not given. */
  readonly tokens?: readonly string[]
}

/** A request as it came in. `status` is 0 until it is answered, and for streams that were cut. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
  status: number
}

/** What a faulty server does instead of answering. */
export type Fault =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly reason?: string
      readonly retryAfterSeconds?: number
      readonly text?: string
    }
  /** RST before an answer. */
  | { readonly kind: 'reset' }
  /** RST after the request was carried out. */
  | { readonly kind: 'reset-after' }
  /** No answer at all. */
  | { readonly kind: 'stall' }
  /** A watch that is sent in chunks of this many bytes. */
  | { readonly kind: 'chop'; readonly bytes: number }

/** Which requests a fault is for. */
export interface FaultMatch {
  readonly method?: string
  readonly path?: RegExp
  readonly watch?: boolean
  readonly times?: number
}

/** Where an answer goes. Without a response it is carried out, but not sent. */
export interface Reply {
  readonly response: ServerResponse | undefined
  readonly chop: number | undefined
}

/** Answers as the fault says. */
export function answerFault(response: ServerResponse, fault: Extract<Fault, { readonly kind: 'answer' }>): void {
  const retry = fault.retryAfterSeconds === undefined ? {} : { 'retry-after': String(fault.retryAfterSeconds) }
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code: fault.status,
    reason: fault.reason ?? '',
    message: 'injected by the test',
  }
  response.writeHead(fault.status, { 'content-type': 'application/json', ...retry }).end(fault.text ?? JSON.stringify(status))
}

/** Answers a refusal as the API server does; anything else is a bug of the fake and says so. */
export function answerError(response: ServerResponse, error: unknown): void {
  const refusal = error instanceof Refusal ? error : new Refusal(500, 'InternalError', `the fake API server failed: ${String(error)}`)
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code: refusal.status,
    reason: refusal.reason,
    message: refusal.message,
    details: { causes: refusal.causes },
  }
  if (!response.headersSent) response.writeHead(refusal.status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(status))
}
