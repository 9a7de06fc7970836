// Decides how one HTTP exchange with the API server is tried: authorization, deadline, retries, error mapping. Never knows what the bytes mean.
import type { Dispatcher } from 'undici'
import type { RequestSeen } from './client.ts'
import { openConnections } from './connections.ts'
import type { Credentials } from './credentials.ts'
import { isKubeError, KubeError } from './kube-error.ts'
import { failureOfAnswer, failureOfNetwork, networkCode } from './kube-status.ts'
import type { Backoff } from './process/backoff.ts'
import { openBackoff } from './process/backoff.ts'
import type { Clock, Random } from './process/clock.ts'
import { DeadlineError, openDeadline, unlessAborted } from './process/deadline.ts'
import type { Log } from './process/log.ts'

export interface TransportOptions {
  readonly credentials: Credentials
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly userAgent: string
  readonly onRequest?: ((seen: RequestSeen) => void) | undefined
}

/** One exchange. `path` starts with `/api` and carries the query. */
export interface Exchange {
  readonly verb: RequestSeen['verb']
  readonly resource: string
  /** For messages: `get pods default/web`. */
  readonly what: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: string | undefined
  readonly contentType?: string | undefined
  /** May be sent again when it is unknown whether the server acted on it. */
  readonly repeatable: boolean
  readonly deadlineMs: number
  readonly signal?: AbortSignal | undefined
}

export interface Transport {
  /** The answer's text. Retries inside the deadline; throws KubeError, or the reason of the caller's signal. */
  send(exchange: Exchange): Promise<string>
  /** The answer's bytes as they come. One try; the deadline is for the head of the answer, `signal` ends the stream. */
  stream(exchange: Exchange): Promise<AsyncIterable<Uint8Array>>
  close(): Promise<void>
}

const mostTries = 5

/** One call with all its tries; `ends` is monotonic. */
interface Run {
  readonly signal: AbortSignal
  readonly ends: number
  readonly tries: number
  readonly backoff: Backoff
}

type Answer = Dispatcher.ResponseData

/** Opens the transport of one process for one API server. */
export function openTransport(options: TransportOptions): Transport {
  const { clock } = options
  const connections = openConnections((error) => options.log.warn('old connections could not be closed', { error }))
  const exchangeOnce = (exchange: Exchange, kind: 'requests' | 'watches', signal: AbortSignal): Promise<Answer> =>
    dispatch(options, exchange, (tls) => connections.for(tls)[kind], signal)

  const tryOnce = async (exchange: Exchange, signal: AbortSignal): Promise<string> => {
    const answer = await exchangeOnce(exchange, 'requests', signal)
    return await answer.body.text()
  }

  /** The answer, or how long to wait before the next try. */
  const attempt = async (exchange: Exchange, run: Run): Promise<string | { readonly waitMs: number; readonly failure: KubeError }> => {
    try {
      return await tryOnce(exchange, run.signal)
    } catch (error) {
      const failure = asKubeError(exchange, error, run.signal)
      const waitMs = waitBeforeRetry(exchange, failure, run)
      if (waitMs === undefined || clock.monotonic() + waitMs >= run.ends) throw failure
      return { waitMs, failure }
    }
  }

  return {
    send: async (exchange) => {
      const deadline = openDeadline({ what: exchange.what, ms: exchange.deadlineMs, clock, signals: [exchange.signal] })
      const { signal } = deadline
      const run = {
        signal,
        ends: clock.monotonic() + exchange.deadlineMs,
        backoff: openBackoff({ minMs: 100, maxMs: 5000, random: options.random }),
      }
      try {
        for (let tries = 1; ; tries += 1) {
          // Tries are one after the other by nature.
          // oxlint-disable no-await-in-loop
          const result = await attempt(exchange, { ...run, tries })
          if (typeof result === 'string') return result
          await clock.sleep(result.waitMs, signal).catch((error: unknown) => Promise.reject(asKubeError(exchange, error, signal)))
          // oxlint-enable no-await-in-loop
        }
      } finally {
        deadline.clear()
      }
    },
    stream: async (exchange) => {
      const head = openDeadline({ what: exchange.what, ms: exchange.deadlineMs, clock, signals: [exchange.signal] })
      try {
        const answer = await exchangeOnce(exchange, 'watches', head.signal)
        head.lift()
        return bytesOf(exchange, answer, () => head.clear())
      } catch (error) {
        head.clear()
        throw asKubeError(exchange, error, head.signal)
      }
    },
    close: () => connections.close(),
  }
}

/** Sends once and counts it; throws KubeError for an answer that is not 2xx. */
async function dispatch(
  options: TransportOptions,
  exchange: Exchange,
  agentFor: (tls: Awaited<ReturnType<Credentials['authorize']>>['tls']) => Dispatcher,
  signal: AbortSignal,
): Promise<Answer> {
  const { clock, credentials } = options
  // A credential plugin or a token endpoint may hang, whatever its signal says.
  const { tls, headers } = await unlessAborted(credentials.authorize(signal), signal)
  signal.throwIfAborted()
  const started = clock.monotonic()
  const seen = (code: string): void =>
    options.onRequest?.({ verb: exchange.verb, resource: exchange.resource, code, seconds: (clock.monotonic() - started) / 1000 })
  const server = new URL(credentials.server)
  try {
    const answer = await agentFor(tls).request({
      origin: server.origin,
      path: `${server.pathname.replace(/\/$/u, '')}${exchange.path}`,
      method: exchange.method,
      headers: {
        ...headers,
        accept: 'application/json',
        'user-agent': options.userAgent,
        ...(exchange.body === undefined ? {} : { 'content-type': exchange.contentType ?? 'application/json' }),
      },
      body: exchange.body ?? null,
      signal,
    })
    seen(String(answer.statusCode))
    if (answer.statusCode >= 200 && answer.statusCode < 300) return answer
    throw await refusal(exchange, answer, clock.now().getTime())
  } catch (error) {
    if (!isKubeError(error)) seen(networkCode(error))
    if (isKubeError(error, 401) || !isKubeError(error)) credentials.forget()
    throw error
  }
}

async function refusal(exchange: Exchange, answer: Answer, now: number): Promise<KubeError> {
  const retryAfter = answer.headers['retry-after']
  const text = await answer.body.text()
  const header = Array.isArray(retryAfter) ? retryAfter[0] : retryAfter
  return new KubeError(failureOfAnswer(exchange.what, { status: answer.statusCode, retryAfter: header, text, now }))
}

/** The caller's own abort stays the caller's reason; everything else becomes a KubeError. */
function asKubeError(exchange: Exchange, error: unknown, signal: AbortSignal): KubeError {
  if (isKubeError(error)) return error
  if (signal.aborted && !(signal.reason instanceof DeadlineError)) throw signal.reason
  if (signal.aborted) {
    const message = `${exchange.what} was not answered within ${exchange.deadlineMs} ms; the API server may be overloaded or unreachable`
    return new KubeError({ status: 0, reason: 'Timeout', message, causes: [], retryAfterMs: undefined }, { cause: error })
  }
  return new KubeError(failureOfNetwork(exchange.what, error), { cause: error })
}

/** How long to wait before the next try; undefined when there is none. */
function waitBeforeRetry(exchange: Exchange, failure: KubeError, past: Run): number | undefined {
  if (past.tries >= mostTries || failure.reason === 'Timeout') return undefined
  if (failure.status === 401) return past.tries === 1 ? 0 : undefined
  return wasNotActedOn(failure) || (exchange.repeatable && isTransient(failure)) ? past.backoff.next(failure.retryAfterMs) : undefined
}

/** The server said that it did nothing, or never heard of it. */
function wasNotActedOn(failure: KubeError): boolean {
  const code = networkCode(failure.cause)
  return (
    failure.status === 429 ||
    (failure.status === 503 && failure.retryAfterMs !== undefined) ||
    code === 'ECONNREFUSED' ||
    code === 'UND_ERR_CONNECT_TIMEOUT'
  )
}

function isTransient(failure: KubeError): boolean {
  return failure.status === 0 || failure.status >= 500
}

async function* bytesOf(exchange: Exchange, answer: Answer, ended: () => void): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of answer.body) {
      if (chunk instanceof Uint8Array) yield chunk
    }
  } catch (error) {
    if (exchange.signal?.aborted === true) throw exchange.signal.reason
    throw new KubeError(failureOfNetwork(exchange.what, error), { cause: error })
  } finally {
    ended()
  }
}
