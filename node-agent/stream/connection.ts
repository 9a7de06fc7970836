// Decides what one connection to the operator means: where it goes, which lines are believed, when it counts as dead. Never decides when to come back.
import type { Ack, Rejection, StreamMessage } from '#api/stream'
import { formatRevision } from '#api/stream'
import { parseStreamMessage } from '#api/stream-schema'
import type { Clock } from '#kube/process/clock'
import { isError } from '#kube/process/is-error'
import type { Log } from '#kube/process/log'
import { type Acks, startAcks } from './acks.ts'
import type { HeldSnapshot } from './held-snapshot.ts'
import { openSession, type StreamSession } from './session.ts'
import type { StreamAddress, StreamDirectory } from './stream-address.ts'

export interface ConnectionOptions {
  readonly snapshot: HeldSnapshot
  readonly directory: StreamDirectory
  readonly node: string
  /** Name in the server's certificate. */
  readonly servername: string
  /** The Service's cluster IP; undefined when the agent was not told. */
  readonly service: StreamAddress | undefined
  readonly tokenFile: string
  /** What this node cannot serve; undefined while that is not known: nothing is acknowledged then. */
  rejections(): readonly Rejection[] | undefined
  readonly clock: Clock
  readonly log: Log
}

/** How a connection ended. */
export interface Ended {
  /** ended: the server closed the stream properly, as it does when the lease moves. */
  readonly kind: 'ended' | 'failed'
  /** Whether the connection got as far as `synced`. */
  readonly served: boolean
  /** A sentence for users. */
  readonly message: string
  readonly error?: unknown
}

export interface ConnectionHooks {
  readonly signal: AbortSignal
  /** The acks of the connection that is open; undefined when none is. */
  onAcks(acks: Acks | undefined): void
  onSynced(): void
}

/** One connection after the other, each until it ends. Never rejects. */
export interface Connection {
  attempt(): Promise<Ended>
}

/** The server sends a ping every 10 s. */
const SILENCE_MS = 30_000

export function openConnection(options: ConnectionOptions, hooks: ConnectionHooks): Connection {
  const open = openSessions(options, hooks.signal)
  return {
    attempt: async () => {
      let served = false
      const onSynced = (): void => {
        served = true
        hooks.onSynced()
      }
      try {
        await serve(await open(), options, { ...hooks, onSynced })
        return { kind: 'ended', served, message: 'the operator ended the stream' }
      } catch (error) {
        const cause = isError(error) ? error.message : String(error)
        return { kind: 'failed', served, message: `the stream of the operator is not available: ${cause}`, error }
      } finally {
        hooks.onAcks(undefined)
      }
    },
  }
}

/** The Service first, then the leader's own address: before kube-proxy has programmed this node only the latter works. */
function openSessions(options: ConnectionOptions, signal: AbortSignal): () => Promise<StreamSession> {
  const { directory, service, snapshot } = options
  let ca: string | undefined
  const openAt = async (address: StreamAddress): Promise<StreamSession> => {
    ca ??= await directory.authorities(signal)
    if (ca === undefined) throw new Error('the operator has not published its certificate authority yet')
    const from = snapshot.revision()
    const query = new URLSearchParams({ node: options.node, ...(from === undefined ? {} : { from: formatRevision(from) }) })
    try {
      return await openSession({ ...options, address, ca, path: `/v1/stream?${query.toString()}`, signal })
    } catch (error) {
      // The authority may have been replaced; it is read again for the next try.
      ca = undefined
      throw error
    }
  }
  return async () => {
    if (service === undefined) return await openAt(await leaderAddress(directory, signal))
    try {
      return await openAt(service)
    } catch (first) {
      if (signal.aborted) throw first
      const address = await leaderAddress(directory, signal).catch(() => undefined)
      if (address === undefined) throw first
      return await openAt(address)
    }
  }
}

async function serve(session: StreamSession, options: ConnectionOptions, hooks: ConnectionHooks): Promise<void> {
  const { clock, log, snapshot } = options
  const acks = startAcks({ current: () => ackOf(options), send: (body) => session.ack(body, hooks.signal), clock, log })
  const silence = watchSilence(clock, () => session.close())
  const onAbort = (): void => session.close()
  hooks.signal.addEventListener('abort', onAbort, { once: true })
  hooks.onAcks(acks)
  try {
    snapshot.begin(false)
    for await (const line of session.lines) {
      silence.heard()
      const message = parseLine(line)
      await take(message, options, hooks.signal)
      if (message.type === 'synced') hooks.onSynced()
      if (message.type !== 'ping') acks.changed()
    }
    // A stream that we destroy ourselves ends like one that the server closed.
    if (silence.expired()) throw new Error(`nothing was heard for ${SILENCE_MS / 1000} s`)
  } finally {
    silence.stop()
    acks.stop()
    hooks.signal.removeEventListener('abort', onAbort)
    session.close()
  }
}

async function leaderAddress(directory: StreamDirectory, signal: AbortSignal): Promise<StreamAddress> {
  const lease = await directory.lease(signal)
  if (lease?.address === undefined) throw new Error('no operator has written its address into the lease')
  return lease.address
}

function parseLine(line: string): StreamMessage {
  const parsed = parseStreamMessage(line)
  if (parsed.ok) return parsed.message
  throw new Error(`a line of the stream cannot be read: ${parsed.path} ${parsed.problem}; ${parsed.remedy}`)
}

/**
 * Applies one message. A lower epoch comes from a leader that lost its lease, and is refused; unless the lease itself says that this
 * epoch is the present one: then the lease was made anew (the operator was installed again) and counts from the start.
 */
async function take(message: StreamMessage, { snapshot, directory, log }: ConnectionOptions, signal: AbortSignal): Promise<void> {
  if (snapshot.apply(message) === 'applied' || message.type === 'ping') return
  const lease = await directory.lease(signal)
  if (lease?.epoch !== message.revision.epoch) throw new Error('it comes from an operator that is no longer the leader')
  log.warn('the lease counts from the start again; its operator is believed', { epoch: lease.epoch })
  snapshot.begin(true)
  snapshot.apply(message)
}

function ackOf(options: ConnectionOptions): Ack | undefined {
  const revision = options.snapshot.revision()
  const rejected = options.rejections()
  return revision === undefined || rejected === undefined || !options.snapshot.synced() ? undefined : { revision, rejected }
}

interface Silence {
  heard(): void
  expired(): boolean
  stop(): void
}

function watchSilence(clock: Clock, onExpired: () => void): Silence {
  let over = false
  const expire = (): void => {
    over = true
    onExpired()
  }
  let cancel = clock.after(SILENCE_MS, expire)
  return {
    heard: () => {
      cancel()
      cancel = clock.after(SILENCE_MS, expire)
    },
    expired: () => over,
    stop: () => cancel(),
  }
}
