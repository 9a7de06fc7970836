// Decides when a client is written to, pinged and given up: one loop per connection over any byte sink. Never opens a socket.
import type { Clock } from '#kube/process/clock'
import { type ClientQueue, openClientQueue } from './client-queue.ts'
import type { Entry, Hub } from './hub.ts'

/** Where lines go: one HTTP/2 stream. */
export interface Sink {
  /** False when the sink wants a pause until `onDrain`. */
  write(line: string): boolean
  onDrain(listener: () => void): void
  /** Ends the stream at once; what was not sent is lost. */
  reset(): void
}

export type EndReason = 'slow' | 'stalled' | 'replaced' | 'closed'

export interface Wire {
  /** Ends it for a reason of the caller; a second end does nothing. */
  end(reason: EndReason): void
}

export interface WireOptions {
  readonly hub: Hub
  readonly node: string
  readonly sink: Sink
  readonly clock: Clock
  onEnd(reason: EndReason): void
}

/** Changes that wait for one client, in bytes; a slower one starts over. */
const MAX_QUEUED_BYTES = 256 * 1024
const PING_MS = 10_000
/** A client that takes nothing for this long has also missed three pings: it has given us up, too. */
const STALL_MS = 30_000

/** Connects one client to the hub and keeps it fed. */
export function openWire(options: WireOptions): Wire {
  const { hub, node, sink, clock } = options
  let queue: ClientQueue | undefined
  const state = { isPaused: false, hasEnded: false }
  let cancelPing = (): void => undefined
  let cancelStall = (): void => undefined

  const end = (reason: EndReason): void => {
    if (state.hasEnded) return
    state.hasEnded = true
    cancelPing()
    cancelStall()
    attached.detach()
    if (reason !== 'closed') sink.reset()
    options.onEnd(reason)
  }
  const pump = (): void => {
    while (!state.hasEnded && !state.isPaused) {
      const line = queue?.next()
      if (line === undefined) return
      write(line)
    }
  }
  const write = (line: string): void => {
    state.isPaused = !sink.write(line)
    if (state.isPaused) cancelStall = clock.after(STALL_MS, () => end('stalled'))
  }
  const ping = (): void => {
    if (!state.isPaused) write('{"type":"ping"}\n')
    cancelPing = clock.after(PING_MS, ping)
  }
  const offer = (entry: Entry): void => {
    if (queue?.offer(entry) === 'overflow') end('slow')
    else pump()
  }
  const attached = hub.attach(node, { offer, replaced: () => end('replaced') })
  queue = openClientQueue({ snapshot: attached.snapshot, maxBytes: MAX_QUEUED_BYTES, revision: () => hub.revision() })
  sink.onDrain(() => {
    cancelStall()
    state.isPaused = false
    pump()
  })
  cancelPing = clock.after(PING_MS, ping)
  pump()
  return { end }
}
