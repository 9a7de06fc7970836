// Decides who may talk to the agent and how long: a unix socket for root, bounded requests, each with a deadline. Never knows what an ADD is.
import { chmod, mkdir, unlink } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { dirname } from 'node:path'
import { PlexusError } from '#api/errors'
import type { Json } from '#api/json'
import type { Parsed } from '#api/socket-schema'
import type { Clock } from '#kube/process/clock'
import { DeadlineError, withDeadline } from '#kube/process/deadline'
import type { Health } from '#kube/process/http-endpoint'
import type { Log } from '#kube/process/log'
import { missing } from '../journal/state-file.ts'
import { readBody, sendError, sendJson } from './answer.ts'
import { type Gate, openGate } from './gate.ts'

/** One `POST` of the socket: its parser, its limit and its work. */
export interface Route {
  readonly deadlineMs: number
  handle(request: IncomingMessage, signal: AbortSignal): Promise<object>
}

/** Builds a route; `work` gets what `parse` made of the body. */
export function route<T>(options: {
  readonly parse: (body: Json) => Parsed<T>
  readonly deadlineMs: number
  readonly work: (request: T, signal: AbortSignal) => Promise<object>
}): Route {
  const { parse, deadlineMs, work } = options
  return { deadlineMs, handle: async (request, signal) => work(await readBody(request, parse), signal) }
}

export interface SocketServerOptions {
  readonly path: string
  /** `POST` path → route. */
  readonly routes: ReadonlyMap<string, Route>
  ready(): Health
  readonly clock: Clock
  readonly log: Log
}

export interface SocketServer {
  /** Accepts nothing more and lets running requests end within `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** Requests worked on at once, and how many may wait: more than kubelet starts pods at a time. */
const AT_ONCE = 32
const LONGEST_LINE = 1024
/** A request's head and body must arrive within this time: shims are on the same machine. */
const ARRIVAL_MS = 10_000

/** Listens; a socket that a dead agent left is replaced. The caller must be the single writer of this node. */
export async function openSocketServer(options: SocketServerOptions): Promise<SocketServer> {
  const { path, clock } = options
  const gate = openGate({ atOnce: AT_ONCE, longestLine: LONGEST_LINE })
  const stopping = new AbortController()
  const settings = { requestTimeout: ARRIVAL_MS, headersTimeout: ARRIVAL_MS, keepAlive: false }
  const server = createServer(settings, (request, response) => {
    serve({ request, response, gate, stopping: stopping.signal, ...options }).catch((error: unknown) => {
      options.log.error('a request of the socket could not be answered', { path: request.url, error, bug: true })
      sendError(response, error)
    })
  })
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await chmod(dirname(path), 0o700)
  await unlink(path).catch(missing)
  await listen(server, path)
  await chmod(path, 0o600)
  return {
    close: async (graceMs) => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      const cancel = clock.after(graceMs, () => {
        stopping.abort(new PlexusError('AgentUnavailable', 'the agent of this node is stopping; kubelet tries again by itself'))
        server.closeAllConnections()
      })
      await closed
      cancel()
    },
  }
}

interface Serving extends SocketServerOptions {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly gate: Gate
  readonly stopping: AbortSignal
}

async function serve(serving: Serving): Promise<void> {
  const { request, response, routes } = serving
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  const asked = `${request.method} ${path}`
  if (asked === 'GET /healthz' || asked === 'GET /readyz') {
    const health: Health = asked === 'GET /healthz' ? { ok: true } : serving.ready()
    sendJson(response, health.ok ? 200 : 503, health)
    return
  }
  const found = request.method === 'POST' ? routes.get(path) : undefined
  if (found !== undefined) await serveRoute(serving, found, asked)
  else sendJson(response, 404, { code: 2, msg: `there is no ${asked}; run a shim and an agent of the same release` })
}

async function serveRoute(serving: Serving, found: Route, asked: string): Promise<void> {
  const { request, response, gate, stopping, clock, log } = serving
  try {
    const limits = { what: asked, ms: found.deadlineMs, clock, signals: [stopping] }
    sendJson(response, 200, await withDeadline(limits, (signal) => gate.pass(() => found.handle(request, signal), signal)))
  } catch (error) {
    if (!(error instanceof PlexusError)) log.error('a request of the socket failed', { request: asked, error })
    sendError(response, error instanceof DeadlineError ? new PlexusError('TryAgainLater', error.message, { cause: error }) : error)
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path, backlog: LONGEST_LINE }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
