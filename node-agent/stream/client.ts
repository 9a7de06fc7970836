// Decides when the agent connects to the operator, what it believes of it, and how long it waits in between. Never interprets an object.
import type { Random } from '#kube/process/clock'
import type { Metrics } from '#kube/process/metrics'
import type { Acks } from './acks.ts'
import { type ConnectionOptions, openConnection } from './connection.ts'

/** How it stands with the stream, for status and metrics. */
export type StreamState =
  | { readonly kind: 'connected' }
  /** `message` is a sentence for users. */
  | { readonly kind: 'away'; readonly message: string }

export interface StreamClient {
  state(): StreamState
  /** The rejections changed: acknowledge anew. */
  acknowledge(): void
  /** Ends the connection; resolves when nothing runs any more. */
  stop(): Promise<void>
}

export interface StreamClientOptions extends ConnectionOptions {
  /** Hears of every change of `state`. */
  onState(): void
  readonly random: Random
  readonly metrics: Metrics
}

/** After a proper end (the lease moved) agents come back within this time. */
const QUICK_MS = 1000
const FIRST_WAIT_MS = 2000
const LONGEST_WAIT_MS = 30_000

/** Starts the client; the first try is at once. */
export function startStreamClient(options: StreamClientOptions): StreamClient {
  const { clock, log } = options
  const stopping = new AbortController()
  let state: StreamState = { kind: 'away', message: 'the operator was not reached since the agent started' }
  let acks: Acks | undefined
  const connected = options.metrics
    .gauge({ name: 'stream_connected_bool', help: 'Whether the stream of the operator is in sync.' })
    .with({})
  const sessions = options.metrics.counter({ name: 'stream_sessions_total', help: 'Ended streams.', labels: ['outcome'] })

  const become = (next: StreamState): void => {
    connected.set(next.kind === 'connected' ? 1 : 0)
    const same = JSON.stringify(next) === JSON.stringify(state)
    state = next
    if (!same) options.onState()
  }
  const connection = openConnection(options, {
    signal: stopping.signal,
    onAcks: (next) => {
      acks = next
    },
    onSynced: () => become({ kind: 'connected' }),
  })
  const run = async (): Promise<void> => {
    let failures = 0
    while (!stopping.signal.aborted) {
      // Tries follow each other; the wait between them is the point.
      // oxlint-disable-next-line no-await-in-loop
      const ended = await connection.attempt()
      if (stopping.signal.aborted) return
      sessions.with({ outcome: ended.kind }).add()
      failures = ended.served ? 0 : failures + 1
      become({ kind: 'away', message: ended.message })
      const ms = ended.kind === 'ended' ? options.random() * QUICK_MS : options.random() * longestWait(failures)
      log.info('the stream ended; connecting again', { reason: ended.message, waitMs: Math.round(ms), error: ended.error })
      // oxlint-disable-next-line no-await-in-loop
      await clock.sleep(ms, stopping.signal).catch(() => undefined)
    }
  }
  const running = run()
  return {
    state: () => state,
    acknowledge: () => acks?.changed(),
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}

/** Full jitter: a herd of agents is spread over 2 s at first, over 30 s when the operator stays away. */
function longestWait(failures: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures, 10))
}
