// Adapter of the stream to HTTP/2 over TLS: routes, statuses, one wire per connected node. Decides nothing about content.
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type Http2Session,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Clock } from '#kube/process/clock'
import type { Log } from '#kube/process/log'
import type { Metrics } from '#kube/process/metrics'
import type { Acks } from './acks.ts'
import type { Authenticator, Identity } from './authenticate.ts'
import type { ServingCertificate } from './certificates.ts'
import type { Hub } from './hub.ts'
import { receiveAck } from './receive-ack.ts'
import { openSpeakers, type Speakers } from './speakers.ts'
import { type EndReason, openWire } from './wire.ts'

export interface StreamServerOptions {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  readonly certificate: ServingCertificate
  readonly hub: Hub
  readonly acks: Acks
  readonly authenticator: Authenticator
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** A node's last stream ended, or a first one began. */
  onPresence(node: string, isConnected: boolean): void
}

export interface StreamServer {
  readonly port: number
  /** Serves with another certificate from the next handshake on. */
  renew(certificate: ServingCertificate): void
  /** Ends every stream at once and stops listening. */
  close(): Promise<void>
}

/** A connection without any traffic for this long is dead: streams carry a ping every 10 s. */
const IDLE_MS = 60_000

/** Listens; rejects when the port cannot be bound. */
export async function openStreamServer(options: StreamServerOptions): Promise<StreamServer> {
  const sessions = new Set<ServerHttp2Session>()
  const { log } = options
  const speakers = openSpeakers<Http2Session>({
    ...options,
    onRefused: (session, message) => {
      log.info('a stream ends because its token is no longer accepted', { problem: message })
      session.destroy()
    },
  })
  const { cert, key } = options.certificate
  const server = createSecureServer({ cert, key, minVersion: 'TLSv1.2', settings: { maxConcurrentStreams: 16 } })
  server.on('session', (session) => {
    sessions.add(session)
    session.setTimeout(IDLE_MS, () => session.destroy())
    session.on('error', (error) => log.debug('a stream connection failed', { error }))
    session.on('close', () => {
      sessions.delete(session)
      speakers.forget(session)
    })
  })
  server.on('tlsClientError', (error) => log.debug('a client could not open TLS', { error }))
  server.on('stream', (stream, headers) => serve(stream, headers, { ...options, speakers, counters: countersOf(options.metrics) }))
  await listen(server, options)
  const address = server.address()
  return {
    port: address === null || typeof address === 'string' ? options.port : address.port,
    renew: (certificate) => server.setSecureContext({ cert: certificate.cert, key: certificate.key, minVersion: 'TLSv1.2' }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const session of sessions) session.destroy()
      }),
  }
}

function listen(server: Http2SecureServer, { host, port }: StreamServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

interface Counters {
  readonly clients: { add(by: number): void }
  readonly reset: (reason: EndReason) => void
}

function countersOf(metrics: Metrics): Counters {
  const resets = metrics.counter({ name: 'stream_resets_total', help: 'Streams that the operator ended, by cause.', labels: ['reason'] })
  return {
    clients: metrics.gauge({ name: 'stream_clients', help: 'Agents connected to this replica.' }).with({}),
    reset: (reason) => resets.with({ reason }).add(),
  }
}

interface Serving extends StreamServerOptions {
  readonly speakers: Speakers<Http2Session>
  readonly counters: Counters
}

/** Detached: every failure ends in an answer and a line of the log. */
function serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, serving: Serving): void {
  stream.on('error', (error) => serving.log.debug('a stream failed', { error }))
  route(stream, headers, serving).catch((error: unknown) => {
    serving.log.warn('a request on the stream port failed', { path: headers[':path'], error })
    answer(stream, 503, 'the operator cannot answer now; try again')
  })
}

async function route(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, serving: Serving): Promise<void> {
  const url = new URL(headers[':path'] ?? '/', 'https://stream')
  const call = `${headers[':method'] ?? ''} ${url.pathname}`
  if (call !== 'GET /v1/stream' && call !== 'POST /v1/ack') {
    return answer(stream, 404, 'not found; there are GET /v1/stream and POST /v1/ack')
  }
  const identity = await identify(stream, headers, serving)
  if (stream.destroyed) return
  if (identity.kind === 'refused') return answer(stream, 401, identity.message)
  const { node } = identity
  const reply = (status: number, message: string): void => answer(stream, status, message)
  if (call === 'POST /v1/ack') return await receiveAck({ stream, node, acks: serving.acks, log: serving.log, reply })
  if (url.searchParams.get('node') !== node) return answer(stream, 403, `this token speaks for node ${node} only`)
  feed(stream, node, { serving, from: url.searchParams.get('from') ?? '' })
}

async function identify(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, { speakers }: Serving): Promise<Identity> {
  const token = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1]
  const { session } = stream
  if (token === undefined) {
    return { kind: 'refused', message: 'the header "authorization: Bearer <token>" is missing; send a projected ServiceAccount token' }
  }
  if (session === undefined || session.destroyed) return { kind: 'refused', message: 'the connection is closed' }
  return await speakers.identify(session, token)
}

/** Connects a node's stream to the hub until either ends. */
function feed(stream: ServerHttp2Stream, node: string, { serving, from }: { readonly serving: Serving; readonly from: string }): void {
  const { hub, clock, log, counters } = serving
  stream.respond({ ':status': 200, 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
  log.info('a node agent connected', { node, from })
  counters.clients.add(1)
  serving.onPresence(node, true)
  const onEnd = (reason: EndReason): void => {
    counters.clients.add(-1)
    if (reason !== 'closed') counters.reset(reason)
    log.info('a node agent is disconnected', { node, reason })
    // A replacement is no absence: the node has another stream already.
    if (reason !== 'replaced') serving.onPresence(node, false)
  }
  const sink = {
    write: (line: string) => stream.write(line),
    onDrain: (listener: () => void) => void stream.on('drain', listener),
    reset: () => stream.destroy(),
  }
  const wire = openWire({ hub, node, sink, clock, onEnd })
  stream.on('close', () => wire.end('closed'))
}

/** One sentence as JSON; nothing when the client is gone. */
function answer(stream: ServerHttp2Stream, status: number, message: string): void {
  if (stream.destroyed || stream.headersSent) return
  stream.respond({ ':status': status, 'content-type': 'application/json' })
  stream.end(JSON.stringify({ message }))
}
