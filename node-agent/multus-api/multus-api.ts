// Decides when the socket of Multus is served: while the node's profile asks for it and nobody else serves it. Never looks into a request.
import { connect } from 'node:net'
import { join } from 'node:path'
import { PlexusError } from '#api/errors'
import type { Clock } from '#kube/process/clock'
import type { Health } from '#kube/process/http-endpoint'
import type { Log } from '#kube/process/log'
import { startTriggerLoop } from '../install/trigger-loop.ts'
import { openSocketServer, type Route, route, type SocketServer } from '../socket/server.ts'
import type { Snapshot } from '../stream/snapshot.ts'
import { cni, type CniOptions } from './cni.ts'
import { delegate, type DelegateOptions } from './delegate.ts'
import { parseMultusRequest } from './request.ts'

export interface MultusApiOptions extends CniOptions, DelegateOptions {
  /** /run/multus; undefined: this agent does not see it. */
  readonly directory: string | undefined
  readonly snapshot: Snapshot
  readonly ready: () => Health
  readonly clock: Clock
  readonly log: Log
}

export interface MultusApi {
  stop(graceMs: number): Promise<void>
}

const SOCKET = 'multus.sock'
/** Longer than any ADD: the delegates have limits of their own. */
const WORK_MS = 620_000
const LOOK_MS = 60_000

/** Serves `<directory>/multus.sock` while the profile says `multusApi: Enabled`. */
export function startMultusApi(options: MultusApiOptions): MultusApi {
  const { snapshot, log } = options
  let server: SocketServer | undefined
  const run = async (): Promise<void> => {
    const wanted = snapshot.profile()?.spec.multusApi === 'Enabled'
    if (wanted && server === undefined) {
      server = await open(options)
      log.info('the socket of Multus is served', { directory: options.directory })
    } else if (!wanted && server !== undefined) {
      const closing = server
      server = undefined
      await closing.close(WORK_MS)
      log.info('the socket of Multus is closed', { directory: options.directory })
    }
  }
  const loop = startTriggerLoop({
    ...options,
    name: 'the socket of Multus',
    run,
    deadlineMs: WORK_MS + LOOK_MS,
    settleMs: 200,
    everyMs: LOOK_MS,
  })
  const unlisten = snapshot.onChange(() => loop.trigger())
  return {
    stop: async (graceMs) => {
      unlisten()
      await loop.stop()
      await server?.close(graceMs)
    },
  }
}

async function open(options: MultusApiOptions): Promise<SocketServer> {
  const { directory, clock, log, ready } = options
  if (directory === undefined) {
    const sentence = 'multusApi: Enabled, but the agent was started without --multus-dir; set the chart value agent.hostPaths.multusDir'
    throw new PlexusError('Io', sentence)
  }
  const path = join(directory, SOCKET)
  if (await answers(path)) {
    throw new PlexusError('Io', `${path}: another process serves it; remove the DaemonSet of Multus from this node`)
  }
  return openSocketServer({ path, routes: multusRoutes(options), ready, clock, log })
}

/** `POST` path → route. Clients of Multus POST their health checks. */
export function multusRoutes(options: MultusApiOptions): ReadonlyMap<string, Route> {
  const parse = parseMultusRequest
  const healthy = route({ parse: (value) => ({ ok: true, value }), deadlineMs: LOOK_MS, work: async () => ({}) })
  return new Map([
    ['/cni', route({ parse, deadlineMs: WORK_MS, work: (request, signal) => cni(options, request, signal) })],
    ['/delegate', route({ parse, deadlineMs: WORK_MS, work: (request, signal) => delegate(options, request, signal) })],
    ['/healthz', healthy],
    ['/readyz', { ...healthy, handle: (request, signal) => whenReady(options, () => healthy.handle(request, signal)) }],
  ])
}

async function whenReady({ ready }: MultusApiOptions, answer: () => Promise<object>): Promise<object> {
  const health = ready()
  if (health.ok) return answer()
  throw new PlexusError('NotReady', `the agent of this node is not ready: ${health.reason}; ask again`)
}

/** Whether a living process listens. A socket that a dead one left refuses. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
