// Decides what one client is sent next: its snapshot, then changes, the latest revision per key. Pure; never writes to a socket.
import type { Revision } from '#api/stream'
import type { Entry } from './hub.ts'

export interface ClientQueue {
  /** Queues a change in the place of an older one of its key. `overflow`: the client is too slow and must start over. */
  offer(entry: Entry): 'queued' | 'overflow'
  /** The next line, with its newline; undefined when there is nothing to send. */
  next(): string | undefined
  isEmpty(): boolean
}

export interface ClientQueueOptions {
  readonly snapshot: readonly Entry[]
  /** Most bytes of changes that wait; the snapshot itself is shared with the hub and costs no copy. */
  readonly maxBytes: number
  /** The hub's latest revision, for `synced`. */
  revision(): Revision
}

/**
 * Opens the queue of one connection. Lines come in ascending order of revision, so whoever applied a line has applied everything before its
 * revision. `synced` comes once, when nothing else waits: a key that changes during the snapshot must not be missing from it.
 */
export function openClientQueue(options: ClientQueueOptions): ClientQueue {
  const waiting = new Map(options.snapshot.map((entry) => [idOf(entry), entry]))
  const first = new Set(options.snapshot)
  let bytes = 0
  let synced = false

  const sizeOf = (entry: Entry | undefined): number => (entry === undefined || first.has(entry) ? 0 : costOf(entry))
  const take = (): Entry | undefined => {
    const [head] = waiting
    if (head === undefined) return undefined
    waiting.delete(head[0])
    bytes -= sizeOf(head[1])
    first.delete(head[1])
    return head[1]
  }
  return {
    offer: (entry) => {
      const id = idOf(entry)
      const older = waiting.get(id)
      bytes += costOf(entry) - sizeOf(older)
      // Deleted first: the map's order is the order of sending, and a newer revision belongs to the end.
      waiting.delete(id)
      if (older !== undefined) first.delete(older)
      waiting.set(id, entry)
      return bytes > options.maxBytes ? 'overflow' : 'queued'
    },
    next: () => {
      const entry = take()
      if (entry !== undefined) return lineOf(entry)
      if (synced) return undefined
      synced = true
      return `${JSON.stringify({ type: 'synced', revision: options.revision() })}\n`
    },
    isEmpty: () => synced && waiting.size === 0,
  }
}

function idOf({ kind, key }: Entry): string {
  return `${kind} ${key}`
}

function costOf({ key, json }: Entry): number {
  return 128 + key.length + (json?.length ?? 0)
}

function lineOf({ kind, key, revision, json }: Entry): string {
  const head = JSON.stringify({ type: json === undefined ? 'delete' : 'put', kind, key, revision })
  return json === undefined ? `${head}\n` : `${head.slice(0, -1)},"object":${json}}\n`
}
