// Decides which replica leads, by a coordination.k8s.io/v1 Lease. Never compares clocks of two machines, never does the leader's work.
import type { KubeReader, KubeWriter } from './client.ts'
import type { Clock, Random } from './process/clock.ts'
import type { Log } from './process/log.ts'

export interface LeaderTimings {
  /** A lease not renewed for this long (as observed here) may be taken. */
  readonly leaseMs: number
  /** A leader that could not renew for this long stops leading. */
  readonly renewDeadlineMs: number
  readonly retryMs: number
}

export interface LeaderOptions {
  readonly client: KubeReader & KubeWriter
  readonly namespace: string
  readonly name: string
  /** Unique per process, for example the pod's name and uid. */
  readonly identity: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly timings?: Partial<LeaderTimings> | undefined
  /** `epoch` is the lease's leaseTransitions: it rises with every change of holder. */
  onAcquired(epoch: number): void
  /** Leadership is gone: stop writing at once. Not called after a release by `stop`. */
  onLost(): void
}

export interface LeaderElection {
  /** Starts; a second call does nothing. */
  start(): void
  /** Releases the lease if held and resolves when nothing runs any more. */
  stop(): Promise<void>
  isLeader(): boolean
  /** leaseTransitions while leading, else undefined. */
  epoch(): number | undefined
  /** The holder's identity as last observed. */
  holder(): string | undefined
  /** Sets annotations on the lease with the next renewal and keeps them while leading. */
  annotate(annotations: Readonly<Record<string, string>>): void
}
