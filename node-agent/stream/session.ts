// Decides how one connection to the operator is opened, read and ended: HTTP/2 on TLS, one stream of lines, acks beside it. Never decides what a line means.
import { readFile } from 'node:fs/promises'
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import { MAX_STREAM_LINE_BYTES } from '#api/stream-schema'
import type { Clock } from '#kube/process/clock'
import { withDeadline } from '#kube/process/deadline'
import { linesOf } from '#kube/lines'
import type { StreamAddress } from './stream-address.ts'

/** An open stream. */
export interface StreamSession {
  /** Lines as they come; returns when the server ended the stream properly, throws when it broke. */
  readonly lines: AsyncIterable<string>
  /** Posts an ack on the same connection; throws when it was not accepted. */
  ack(body: string, signal: AbortSignal): Promise<void>
  close(): void
}

export interface SessionOptions {
  readonly address: StreamAddress
  readonly servername: string
  /** PEM certificates. */
  readonly ca: string
  readonly tokenFile: string
  /** `/v1/stream?node=…&from=…` */
  readonly path: string
  readonly clock: Clock
  readonly signal: AbortSignal
}

const OPEN_MS = 10_000
const ACK_MS = 10_000
/** Enough for one line of the largest size in flight. */
const WINDOW_BYTES = 2 * 1024 * 1024

/** The operator answered, but not with a stream. */
export class StreamRefusedError extends Error {
  readonly status: number

  constructor(status: number, detail: string) {
    super(`the operator refused the stream with status ${status}: ${detail}`)
    this.name = 'StreamRefusedError'
    this.status = status
  }
}

/** Connects, authenticates and waits for the head of the answer. */
export async function openSession(options: SessionOptions): Promise<StreamSession> {
  const token = (await readFile(options.tokenFile, 'utf8')).trim()
  const session = connectSession(options)
  // Every failure also reaches the streams, which are awaited; without a listener it would end the process.
  session.on('error', () => undefined)
  const authorization = `Bearer ${token}`
  try {
    const stream = await withDeadline(limit('opening the stream', OPEN_MS, options), () => openStream(session, options.path, authorization))
    return {
      lines: linesOf(stream, MAX_STREAM_LINE_BYTES),
      ack: (body, signal) =>
        withDeadline({ what: 'an ack', ms: ACK_MS, clock: options.clock, signals: [signal] }, () => post(session, { body, authorization })),
      close: () => session.destroy(),
    }
  } catch (error) {
    session.destroy()
    throw error
  }
}

function connectSession({ address, servername, ca }: SessionOptions): ClientHttp2Session {
  return connect(`https://${servername}:${address.port}`, {
    settings: { initialWindowSize: WINDOW_BYTES, enablePush: false },
    createConnection: () =>
      connectTls({ host: address.host, port: address.port, servername, ca, ALPNProtocols: ['h2'], minVersion: 'TLSv1.3' }),
  })
}

function limit(what: string, ms: number, { clock, signal }: SessionOptions): Parameters<typeof withDeadline>[0] {
  return { what, ms, clock, signals: [signal] }
}

async function openStream(session: ClientHttp2Session, path: string, authorization: string): Promise<ClientHttp2Stream> {
  const stream = session.request({ ':method': 'GET', ':path': path, accept: 'application/x-ndjson', authorization })
  const status = await statusOf(stream)
  if (status === constants.HTTP_STATUS_OK) return stream
  throw new StreamRefusedError(status, await shortText(stream))
}

async function post(session: ClientHttp2Session, request: { readonly body: string; readonly authorization: string }): Promise<void> {
  const { authorization, body } = request
  const stream = session.request({ ':method': 'POST', ':path': '/v1/ack', 'content-type': 'application/json', authorization })
  stream.end(body)
  const status = await statusOf(stream)
  const text = await shortText(stream)
  if (status < 200 || status > 299) throw new StreamRefusedError(status, text)
}

async function statusOf(stream: ClientHttp2Stream): Promise<number> {
  return await new Promise((resolve, reject) => {
    stream.once('response', (headers) => resolve(headers[':status'] ?? 0))
    stream.once('error', reject)
    stream.once('close', () => reject(new Error('the operator closed the connection before it answered')))
  })
}

/** The first kilobyte of an answer, for messages. */
async function shortText(stream: ClientHttp2Stream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text = `${text}${String(chunk)}`.slice(0, 1024)
  return text.trim()
}
