// Decides how one unary gRPC call to a unix socket is made: HTTP/2 frames, status trailers, limits. Knows no message.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants, type IncomingHttpHeaders } from 'node:http2'
import { connect as connectSocket } from 'node:net'

/** Largest answer in bytes, as kubelet's own clients take it. */
export const MAX_ANSWER_BYTES = 16 * 1024 * 1024

export interface UnaryCall {
  readonly socketPath: string
  /** `/package.Service/Method`. */
  readonly path: string
  /** The encoded request. */
  readonly message: Uint8Array
  /** Ends the call. The caller's deadline is in it. */
  readonly signal: AbortSignal
}

/** A call that was answered with a status other than OK, or not in gRPC at all. */
export class GrpcError extends Error {
  /** grpc-status: 8 is RESOURCE_EXHAUSTED, 12 UNIMPLEMENTED; 2 when the answer was no gRPC. */
  readonly status: number

  constructor(status: number, message: string) {
    super(`the call was answered with gRPC status ${status}: ${message}`)
    this.name = 'GrpcError'
    this.status = status
  }
}

const PREFIX_BYTES = 5
const WINDOW_BYTES = 1024 * 1024

/** Makes the call on a connection of its own. Rejects with GrpcError, the signal's reason, or the socket's error. */
export async function unaryCall(call: UnaryCall): Promise<Uint8Array> {
  call.signal.throwIfAborted()
  const session = connect('http://localhost', {
    createConnection: () => connectSocket({ path: call.socketPath }),
    settings: { enablePush: false, initialWindowSize: WINDOW_BYTES },
  })
  const broken = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(call.signal.reason)
    call.signal.addEventListener('abort', onAbort, { once: true })
    session.once('close', () => {
      call.signal.removeEventListener('abort', onAbort)
      reject(new GrpcError(14, 'the connection was closed'))
    })
    session.on('error', reject)
  })
  try {
    return await Promise.race([answerOf(session, call), broken])
  } finally {
    session.destroy()
  }
}

async function answerOf(session: ClientHttp2Session, { path, message }: UnaryCall): Promise<Uint8Array> {
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: path,
    [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
    [constants.HTTP2_HEADER_TE]: 'trailers',
  })
  stream.end(framed(message))
  const { headers, trailers, body } = await received(stream)
  // An answer without a message has its status in the headers.
  const status = headers['grpc-status'] ?? trailers['grpc-status']
  if (status !== '0') throw new GrpcError(Number(status ?? 2), statusMessage(headers, trailers))
  return unframed(body)
}

interface Received {
  readonly headers: IncomingHttpHeaders
  readonly trailers: IncomingHttpHeaders
  readonly body: Buffer
}

function received(stream: ClientHttp2Stream): Promise<Received> {
  return new Promise((resolve, reject) => {
    let headers: IncomingHttpHeaders = {}
    let trailers: IncomingHttpHeaders = {}
    let size = 0
    let ended = false
    const chunks: Buffer[] = []
    stream.on('response', (received) => {
      headers = received
    })
    stream.on('trailers', (received) => {
      trailers = received
    })
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_ANSWER_BYTES + PREFIX_BYTES) chunks.push(chunk)
      else stream.destroy(new GrpcError(8, `it is longer than ${MAX_ANSWER_BYTES} bytes`))
    })
    stream.on('end', () => {
      ended = true
    })
    stream.on('error', reject)
    // Trailers may come after the end of the data, and a cancelled stream closes without either.
    stream.on('close', () => {
      if (ended) resolve({ headers, trailers, body: Buffer.concat(chunks) })
      else reject(new GrpcError(14, 'the stream was closed before its end'))
    })
  })
}

function statusMessage(headers: IncomingHttpHeaders, trailers: IncomingHttpHeaders): string {
  const message = headers['grpc-message'] ?? trailers['grpc-message']
  if (typeof message === 'string') return decoded(message)
  return `no gRPC status, HTTP status ${String(headers[':status'] ?? 'missing')}`
}

/** gRPC percent-encodes messages. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function framed(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

function unframed(body: Buffer): Uint8Array {
  if (body.length < PREFIX_BYTES) throw new GrpcError(2, 'the answer has no message')
  if (body[0] !== 0) throw new GrpcError(12, 'the answer is compressed, which was not asked for')
  const length = body.readUInt32BE(1)
  if (body.length !== PREFIX_BYTES + length) throw new GrpcError(2, `the message has ${body.length - PREFIX_BYTES} of ${length} bytes`)
  return body.subarray(PREFIX_BYTES)
}
