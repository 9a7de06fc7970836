// Decides that one agent at a time writes this node's state: an abstract unix socket held for the process' life. The kernel frees it at death.
import { connect, createServer, type Server } from 'node:net'
import { PlexusError } from '#api/errors'
import type { Clock } from '#kube/process/clock'
import { withDeadline } from '#kube/process/deadline'
import type { Log } from '#kube/process/log'
import { isSystemError } from '../journal/state-file.ts'

export interface SingleWriter {
  release(): Promise<void>
}

export interface SingleWriterOptions {
  /** Unique per run directory; agents of one node share the network namespace. */
  readonly name: string
  /** How long to wait for an agent that still holds it, for example the one being replaced. */
  readonly waitMs: number
  readonly clock: Clock
  readonly log: Log
  readonly signal?: AbortSignal
}

/** Resolves when this process is the one writer; rejects with `SandboxBusy` when another agent lives on after `waitMs`. */
export async function becomeSingleWriter(options: SingleWriterOptions): Promise<SingleWriter> {
  const { name, waitMs, clock, log, signal } = options
  const address = `\0plexus-agent:${name}`
  try {
    const server = await withDeadline({ what: 'waiting for the other agent', ms: waitMs, clock, signals: [signal] }, (limited) =>
      hold(address, { log, signal: limited }),
    )
    return { release: () => new Promise((resolve) => server.close(() => resolve())) }
  } catch (cause) {
    signal?.throwIfAborted()
    const sentence = `another Plexus agent works on ${name} of this node and did not end within ${waitMs} ms; run one agent per node`
    throw new PlexusError('SandboxBusy', sentence, { cause })
  }
}

/** Binds the address. While somebody else has it, stays connected to them: the connection ends when they do. */
async function hold(address: string, options: { readonly log: Log; readonly signal: AbortSignal }): Promise<Server> {
  for (;;) {
    options.signal.throwIfAborted()
    // oxlint-disable-next-line no-await-in-loop
    const server = await bind(address)
    if (server !== undefined) return server
    options.log.info('another agent still runs on this node; waiting for its end', {})
    // oxlint-disable-next-line no-await-in-loop
    await endOf(address, options.signal)
  }
}

function bind(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    // Whoever connects waits for our end and says nothing.
    const server = createServer((socket) => socket.on('error', () => undefined).unref())
    server.once('error', (error) => (isSystemError(error, 'EADDRINUSE') ? resolve(undefined) : reject(error)))
    server.listen(address, () => resolve(server.unref()))
  })
}

function endOf(address: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(address)
    const onAbort = (): void => {
      socket.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    // A refused connection means that the holder is already gone.
    socket.on('error', () => undefined)
    socket.once('close', () => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    })
    socket.resume()
  })
}
