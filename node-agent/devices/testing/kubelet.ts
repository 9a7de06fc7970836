// The pod-resources socket of a kubelet for tests: a real gRPC server whose answers the test decides.
import { once } from 'node:events'
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { frame } from './encode.ts'

export interface FakeKubelet {
  /** `METHOD path content-type` of each call, and its message. */
  readonly calls: readonly string[]
  /** What the next calls get. */
  answer(how: Answer): void
  close(): Promise<void>
}

export type Answer =
  | { readonly kind: 'message'; readonly bytes: Uint8Array }
  /** Only headers, as gRPC servers refuse. */
  | { readonly kind: 'status'; readonly code: number; readonly message: string }
  | { readonly kind: 'frame'; readonly bytes: Uint8Array }
  | { readonly kind: 'http'; readonly status: number }
  | { readonly kind: 'cut' }
  | { readonly kind: 'stall' }
  /** Answers when the test says so. */
  | { readonly kind: 'held'; readonly bytes: Uint8Array; readonly until: Promise<void> }

export async function openFakeKubelet(socketPath: string): Promise<FakeKubelet> {
  const calls: string[] = []
  const sessions = new Set<ServerHttp2Session>()
  let how: Answer = { kind: 'message', bytes: new Uint8Array() }
  const server = createServer()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    session.on('error', () => session.destroy())
  })
  server.on('stream', (stream, headers) => {
    calls.push(`${headers[':method']} ${headers[':path']} ${headers['content-type']}`)
    stream.on('error', () => stream.destroy())
    stream.resume()
    reply(stream, how)
  })
  server.listen(socketPath)
  await once(server, 'listening')
  return {
    calls,
    answer: (next) => {
      how = next
    },
    close: async () => {
      for (const session of sessions) session.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

const OK = { ':status': 200, 'content-type': 'application/grpc' } as const

function reply(stream: ServerHttp2Stream, how: Answer): void {
  const send = (bytes: Uint8Array): void => {
    stream.respond(OK, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(bytes)
  }
  switch (how.kind) {
    case 'message':
      return send(frame(how.bytes))
    case 'frame':
      return send(how.bytes)
    case 'status':
      return stream.respond({ ...OK, 'grpc-status': how.code, 'grpc-message': encodeURIComponent(how.message) }, { endStream: true })
    case 'http':
      return stream.respond({ ':status': how.status }, { endStream: true })
    case 'cut':
      return stream.session?.destroy()
    case 'stall':
      return undefined
    case 'held':
      how.until.then(
        () => send(frame(how.bytes)),
        () => stream.destroy(),
      )
      return undefined
    default:
      return how satisfies never
  }
}
