// Decides how a store follows one resource of the API server: list, watch, recover. Never interprets an object beyond its key.
import type { KubeReader, Selection } from './client.ts'
import type { Clock, Random } from './process/clock.ts'
import type { Log } from './process/log.ts'
import type { Backoff } from './process/backoff.ts'
import { openBackoff } from './process/backoff.ts'
import type { Position, SessionOptions } from './reflector-session.ts'
import { listOnce, watchOnce } from './reflector-session.ts'
import type { ReflectorEdge, SessionEnd, Step } from './reflector-step.ts'
import { stepAfter } from './reflector-step.ts'
import type { KubeObject, Resource } from './resource.ts'
import type { StoreSink } from './store.ts'

export type ReflectorState = 'idle' | 'listing' | 'watching' | 'backoff' | 'stopped'

/** Limits of a reflector, in milliseconds. */
export interface ReflectorTimings {
  readonly backoffMinMs: number
  readonly backoffMaxMs: number
  /** A watch with bookmarks that is silent for this long is dead. */
  readonly inactivityMs: number
  /** A stream of initial events that is silent for this long is dead. */
  readonly initialMs: number
  /** timeoutSeconds of a watch: this plus up to as much again. */
  readonly watchSeconds: number
}

export interface ReflectorOptions<T extends KubeObject> extends Selection {
  readonly client: KubeReader
  readonly resource: Resource<T>
  readonly sink: StoreSink<T>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly timings?: Partial<ReflectorTimings> | undefined
  readonly onEdge?: ((edge: ReflectorEdge, resource: string) => void) | undefined
}

export interface Reflector {
  /** Starts; a second call does nothing. */
  start(): void
  /** Stops and resolves when nothing runs any more; no stream outlives it. A stopped reflector stays stopped. */
  stop(): Promise<void>
  state(): ReflectorState
  hasSynced(): boolean
  /** Monotonic time of the last sign of life, in ms. */
  lastActivity(): number
}

const usualTimings: ReflectorTimings = {
  backoffMinMs: 800,
  backoffMaxMs: 30_000,
  inactivityMs: 90_000,
  initialMs: 60_000,
  watchSeconds: 300,
}

/** Opens a reflector; it does nothing before `start`. */
export function openReflector<T extends KubeObject>(options: ReflectorOptions<T>): Reflector {
  const ending = new AbortController()
  const status: Status = { state: 'idle', synced: false, activity: options.clock.monotonic() }
  let running: Promise<void> | undefined
  return {
    start: () => {
      if (running !== undefined || ending.signal.aborted) return
      options.onEdge?.('started', options.resource.plural)
      running = follow(options, status, ending.signal)
    },
    stop: async () => {
      ending.abort(new Error(`the reflector of ${options.resource.plural} was stopped`))
      await running
      if (status.state !== 'stopped') options.onEdge?.('stopped', options.resource.plural)
      status.state = 'stopped'
    },
    state: () => status.state,
    hasSynced: () => status.synced,
    lastActivity: () => status.activity,
  }
}

interface Status {
  state: ReflectorState
  synced: boolean
  activity: number
}

/** Runs until the signal aborts; never rejects. One loop drives everything, so two streams cannot exist at once. */
async function follow<T extends KubeObject>(options: ReflectorOptions<T>, status: Status, signal: AbortSignal): Promise<void> {
  const timings = { ...usualTimings, ...options.timings }
  const backoff = openBackoff({ minMs: timings.backoffMinMs, maxMs: timings.backoffMaxMs, random: options.random })
  const position: Position = { resourceVersion: undefined, bookmarksSeen: false, silent: false }
  let watchList: Step['watchList'] = 'yes'
  while (!signal.aborted) {
    status.state = position.resourceVersion === undefined ? 'listing' : 'watching'
    const session = sessionOptions(options, { timings, status, position, backoff, signal })
    const list = position.resourceVersion === undefined && watchList !== 'yes'
    // One session after the other by nature.
    // oxlint-disable-next-line no-await-in-loop
    const end = await (list ? listOnce(session) : watchOnce(session)).catch((error: unknown): SessionEnd => ({ kind: 'rejected', error }))
    if (signal.aborted) return
    const step = stepAfter(end)
    report(options, step, end)
    if (step.relist) position.resourceVersion = undefined
    if (watchList !== 'never') watchList = step.watchList
    if (step.wait === 'backoff') {
      status.state = 'backoff'
      // oxlint-disable-next-line no-await-in-loop
      await options.clock.sleep(backoff.next(step.atLeastMs), signal).catch(() => undefined)
    } else if (end.kind === 'ended') backoff.reset()
  }
}

interface Run {
  readonly timings: ReflectorTimings
  readonly status: Status
  readonly position: Position
  readonly backoff: Backoff
  readonly signal: AbortSignal
}

function sessionOptions<T extends KubeObject>(options: ReflectorOptions<T>, run: Run): SessionOptions<T> {
  const { client, clock, log, random, resource, sink } = options
  const { status, timings, position, signal } = run
  return {
    client,
    clock,
    log,
    resource,
    sink,
    position,
    signal,
    selection: { namespace: options.namespace, labelSelector: options.labelSelector, fieldSelector: options.fieldSelector },
    watchSeconds: Math.floor(timings.watchSeconds * (1 + random())),
    initialMs: timings.initialMs,
    inactivityMs: timings.inactivityMs,
    onEdge: (edge) => {
      if (edge === 'listed') {
        status.synced = true
        status.state = 'watching'
      }
      options.onEdge?.(edge, resource.plural)
    },
    onActivity: (isNews) => {
      status.activity = clock.monotonic()
      if (isNews) run.backoff.reset()
    },
  }
}

function report<T extends KubeObject>(options: ReflectorOptions<T>, step: Step, end: SessionEnd): void {
  if (step.edge === undefined) return
  options.onEdge?.(step.edge, options.resource.plural)
  const error = end.kind === 'failed' || end.kind === 'rejected' ? end.error : undefined
  const fields = { resource: options.resource.plural, edge: step.edge, relist: step.relist, error }
  if (end.kind === 'rejected') options.log.error('the store did not accept an object; listing again', { ...fields, bug: true })
  else if (error === undefined || step.edge === 'fell-back-to-list') options.log.debug('a watch ended', fields)
  else options.log.warn('a watch failed and is opened again', fields)
}
