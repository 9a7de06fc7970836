// Decides how a store follows one resource of the API server: list, watch, recover. Never interprets an object beyond its key.
import type { KubeReader, Selection } from './client.ts'
import type { Clock, Random } from './process/clock.ts'
import type { Log } from './process/log.ts'
import type { KubeObject, Resource } from './resource.ts'
import type { StoreSink } from './store.ts'

export type ReflectorState = 'idle' | 'listing' | 'watching' | 'backoff' | 'stopped'

/** Edges of the state machine and what else is worth counting. */
export type ReflectorEdge =
  | 'started'
  | 'listed'
  | 'fell-back-to-list'
  | 'watch-opened'
  | 'watch-ended'
  | 'watch-failed'
  | 'list-failed'
  | 'expired'
  | 'stalled'
  | 'throttled'
  | 'unreadable-object'
  | 'rejected-by-store'
  | 'stopped'

/** Limits of a reflector, in milliseconds. */
export interface ReflectorTimings {
  readonly backoffMinMs: number
  readonly backoffMaxMs: number
  /** A watch with bookmarks that is silent for this long is dead. */
  readonly inactivityMs: number
  /** A stream of initial events that is silent for this long is dead. */
  readonly initialMs: number
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
