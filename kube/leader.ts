// Decides which replica leads, by a coordination.k8s.io/v1 Lease. Never compares clocks of two machines, never does the leader's work.
import type { KubeReader, KubeWriter } from './client.ts'
import { isKubeError } from './kube-error.ts'
import type { Lease } from './lease.ts'
import { heartbeatOf, heldLease, leases, newLease, releasedLease } from './lease.ts'
import type { Clock, Random } from './process/clock.ts'
import { openDeadline } from './process/deadline.ts'
import { linkSignals } from './process/linked-signal.ts'
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
  /** Unique per process: the pod's name and something random, since a restarted container keeps its pod. */
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

const usualTimings: LeaderTimings = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2000 }

/** Opens an election; it does nothing before `start`. */
export function openLeaderElection(options: LeaderOptions): LeaderElection {
  const timings = { ...usualTimings, ...options.timings }
  const { clock } = options
  const ending = new AbortController()
  const seen: Seen = { lease: undefined, heartbeat: '', at: Number.NEGATIVE_INFINITY, leading: undefined, annotations: {} }
  let running: Promise<void> | undefined
  let wake = linkSignals([])

  const run = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      // Renewals are one after the other by nature.
      // oxlint-disable no-await-in-loop
      wake = linkSignals([ending.signal])
      await tick(options, { seen, timings, signal: ending.signal })
      const rest = timings.retryMs * (seen.leading === undefined ? 1 + 0.2 * options.random() : 1)
      await clock.sleep(rest, wake.signal).catch(() => undefined)
      wake.unlink()
      // oxlint-enable no-await-in-loop
    }
  }
  // A process that was frozen for longer than the lease must not believe in itself when it wakes up.
  const leading = (): Leading | undefined =>
    seen.leading !== undefined && clock.monotonic() < seen.leading.renewedAt + timings.leaseMs ? seen.leading : undefined
  return {
    start: () => {
      if (!ending.signal.aborted) running ??= run()
    },
    stop: async () => {
      ending.abort(new Error('the election stops'))
      await running
      if (seen.leading !== undefined && seen.lease !== undefined) await release(options, seen.lease)
      seen.leading = undefined
    },
    isLeader: () => leading() !== undefined,
    epoch: () => leading()?.epoch,
    holder: () => seen.lease?.spec.holderIdentity,
    annotate: (annotations) => {
      seen.annotations = { ...seen.annotations, ...annotations }
      wake.abort(new Error('annotations changed'))
    },
  }
}

/** One try to take or renew, within what is left of the renew deadline. Never rejects. */
async function tick(options: LeaderOptions, attempt: Attempt): Promise<void> {
  const { clock, log } = options
  const { seen, timings } = attempt
  const started = clock.monotonic()
  const ms = Math.max(1, (seen.leading?.renewedAt ?? started) + timings.renewDeadlineMs - started)
  const deadline = openDeadline({ what: `renewing lease ${options.name}`, ms, clock, signals: [attempt.signal] })
  try {
    const result = await claim(options, { ...attempt, signal: deadline.signal })
    if (result === 'mine') rise(options, seen, started)
    else lose(options, seen, `held by ${seen.lease?.spec.holderIdentity ?? 'nobody'}`)
  } catch (error) {
    if (!attempt.signal.aborted) log.warn('the lease could not be read or written', { lease: options.name, error })
  } finally {
    deadline.clear()
  }
  if (seen.leading !== undefined && clock.monotonic() >= seen.leading.renewedAt + timings.renewDeadlineMs) {
    lose(options, seen, 'it could not be renewed in time')
  }
}

function rise(options: LeaderOptions, seen: Seen, started: number): void {
  const epoch = seen.lease?.spec.leaseTransitions ?? 0
  const isNew = seen.leading === undefined
  seen.leading = { renewedAt: started, epoch }
  if (!isNew) return
  options.log.info('leading', { lease: options.name, epoch })
  options.onAcquired(epoch)
}

function lose(options: LeaderOptions, seen: Seen, why: string): void {
  if (seen.leading === undefined) return
  seen.leading = undefined
  options.log.warn('leadership is lost', { lease: options.name, why })
  options.onLost()
}

interface Leading {
  /** Monotonic time before the request that renewed: the others count from a later moment. */
  readonly renewedAt: number
  readonly epoch: number
}

/** What this process knows. `at` is the monotonic time at which `heartbeat` was first seen. */
interface Seen {
  lease: Lease | undefined
  heartbeat: string
  at: number
  leading: Leading | undefined
  annotations: Readonly<Record<string, string>>
}

type Attempt = { readonly seen: Seen; readonly timings: LeaderTimings; readonly signal: AbortSignal }

/** Takes or renews the lease if that is allowed now. */
async function claim(options: LeaderOptions, attempt: Attempt): Promise<'mine' | 'held-by-other'> {
  const { client, clock, identity, name, namespace } = options
  const { seen, signal, timings } = attempt
  const wanted = { identity, leaseMs: timings.leaseMs, at: clock.now(), annotations: seen.annotations }
  // A leader knows its lease; reading first would cost a second request each time.
  const known = seen.leading === undefined ? await client.get(leases, { name, namespace }, { signal }) : seen.lease
  try {
    if (known === undefined) observe(seen, await client.create(leases, { ...newLease({ name, namespace }, wanted) }, { signal }), clock)
    else {
      observe(seen, known, clock)
      if (!isFree(known, { identity, seen, timings, now: clock.monotonic() })) return 'held-by-other'
      observe(seen, await client.replace(leases, { ...heldLease(known, wanted) }, { signal }), clock)
    }
    return 'mine'
  } catch (error) {
    if (!isKubeError(error, 409, 404)) throw error
    const current = await client.get(leases, { name, namespace }, { signal })
    if (current !== undefined) observe(seen, current, clock)
    if (current?.spec.holderIdentity !== identity) return 'held-by-other'
    observe(seen, await client.replace(leases, { ...heldLease(current, wanted) }, { signal }), clock)
    return 'mine'
  }
}

function observe(seen: Seen, lease: Lease, clock: Clock): void {
  const heartbeat = heartbeatOf(lease)
  if (heartbeat !== seen.heartbeat) seen.at = clock.monotonic()
  seen.heartbeat = heartbeat
  seen.lease = lease
}

/** Timestamps in the lease come from another machine's clock: only the time since the last change seen here counts. */
function isFree(
  lease: Lease,
  now: { readonly identity: string; readonly seen: Seen; readonly timings: LeaderTimings; readonly now: number },
): boolean {
  const { holderIdentity = '', leaseDurationSeconds } = lease.spec
  const leaseMs = leaseDurationSeconds === undefined ? now.timings.leaseMs : leaseDurationSeconds * 1000
  return holderIdentity === '' || holderIdentity === now.identity || now.now >= now.seen.at + leaseMs
}

async function release(options: LeaderOptions, lease: Lease): Promise<void> {
  try {
    await options.client.replace(leases, { ...releasedLease(lease, options.clock.now()) }, { deadlineMs: 3000 })
  } catch (error) {
    options.log.warn('the lease could not be released; it ends by itself', { lease: options.name, error })
  }
}
