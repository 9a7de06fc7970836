// A node agent's end of the stream for tests: connects over real TLS, remembers what it was sent, acknowledges on demand.
import { connect as connectTls } from 'node:tls'
import { type ClientHttp2Session, connect } from 'node:http2'
import type { Ack, StreamMessage } from '#api/stream'
import { parseStreamMessage } from '#api/stream-schema'
import { linesOf } from '#kube/lines'

export interface TestClientOptions {
  readonly port: number
  readonly ca: string
  readonly servername: string
  readonly token?: string
  readonly node?: string
}

export interface TestClient {
  /** HTTP status of the stream; 0: the connection ended before. */
  readonly status: number
  readonly messages: StreamMessage[]
  /** Objects as an agent would hold them after the messages so far. */
  held(): ReadonlyMap<string, unknown>
  isSynced(): boolean
  isEnded(): boolean
  ack(ack: Ack): Promise<number>
  /** Stops reading, as a stuck agent does. */
  pause(): void
  close(): void
}

/** Opens a stream as the agent of a node. */
export async function openTestClient(options: TestClientOptions): Promise<TestClient> {
  const { port, ca, servername } = options
  const session = connect(`https://${servername}:${port}`, {
    createConnection: () => connectTls({ host: '127.0.0.1', port, ca, servername, ALPNProtocols: ['h2'] }),
  })
  const messages: StreamMessage[] = []
  const state = { ended: false, isPaused: false }
  session.on('close', () => {
    state.ended = true
  })
  const failed = new Promise<never>((_, reject) => session.on('error', reject))
  failed.catch(() => undefined)
  const headers = headersOf(options)
  const stream = session.request({ ':path': `/v1/stream?node=${options.node ?? ''}&from=0.0`, ...headers })
  stream.on('close', () => {
    state.ended = true
  })
  const status = await Promise.race([statusOf(stream), failed])
  if (status === 200) {
    collect(untilPaused(stream, state), messages).catch(() => {
      state.ended = true
    })
  }
  return {
    status,
    messages,
    held: () => apply(messages),
    isSynced: () => messages.some(({ type }) => type === 'synced'),
    isEnded: () => state.ended,
    ack: (ack) => post(session, { headers, ack }),
    pause: () => {
      state.isPaused = true
    },
    close: () => session.destroy(),
  }
}

function headersOf({ token }: TestClientOptions): Readonly<Record<string, string>> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

async function post(
  session: ClientHttp2Session,
  sent: { readonly headers: Readonly<Record<string, string>>; readonly ack: unknown },
): Promise<number> {
  const request = session.request({ ':method': 'POST', ':path': '/v1/ack', ...sent.headers })
  request.end(JSON.stringify(sent.ack))
  const status = await statusOf(request)
  request.resume()
  return status
}

function statusOf(stream: ReturnType<ClientHttp2Session['request']>): Promise<number> {
  return new Promise((resolve) => {
    stream.on('response', (headers) => resolve(headers[':status'] ?? 0))
    stream.on('error', () => resolve(0))
    stream.on('close', () => resolve(0))
  })
}

/** Ends reading for good once it is paused; the stream itself stays open, and what comes fills its window. */
async function* untilPaused(stream: AsyncIterable<Uint8Array>, state: { readonly isPaused: boolean }): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    yield chunk
    if (state.isPaused) await new Promise(() => undefined)
  }
}

async function collect(stream: AsyncIterable<Uint8Array>, messages: StreamMessage[]): Promise<void> {
  for await (const line of linesOf(stream, 2 ** 20)) {
    const parsed = parseStreamMessage(line)
    if (!parsed.ok) throw new Error(`the stream sent what agents cannot read: ${line}`)
    messages.push(parsed.message)
  }
}

function apply(messages: readonly StreamMessage[]): ReadonlyMap<string, unknown> {
  const held = new Map<string, unknown>()
  for (const message of messages) {
    if (message.type === 'put') held.set(`${message.kind} ${message.key}`, message.object)
    if (message.type === 'delete') held.delete(`${message.kind} ${message.key}`)
  }
  return held
}
