// Decides which sockets carry what: one undici Agent for requests, one for watches, both rebuilt when the TLS material changes. Never sends by itself.
import { Agent } from 'undici'
import type { TlsMaterial } from './credentials.ts'

/** Longest answer that is read whole; a page of 500 large objects stays far below. */
const longestAnswer = 256 * 1024 * 1024

/** The sockets of one transport. */
export interface Connections {
  /** Agents for this TLS material; the same ones as long as it is the same object. */
  for(tls: TlsMaterial): Sockets
  close(): Promise<void>
}

export interface Sockets {
  readonly requests: Agent
  readonly watches: Agent
}

/** `retired` hears of agents that could not be closed after a change of certificates. */
export function openConnections(retired: (error: unknown) => void): Connections {
  let current: { readonly tls: TlsMaterial; readonly sockets: Sockets } | undefined
  let watchesBefore: readonly Agent[] = []
  const retire = (sockets: Sockets): void => {
    // Requests end by themselves within their deadlines, watches when the server ends them: nothing is cut.
    watchesBefore = [...watchesBefore, sockets.watches]
    sockets.requests.close().catch(retired)
    sockets.watches.close().then(() => {
      watchesBefore = watchesBefore.filter((agent) => agent !== sockets.watches)
    }, retired)
  }
  return {
    for: (tls) => {
      if (current?.tls === tls) return current.sockets
      if (current !== undefined) retire(current.sockets)
      current = { tls, sockets: openSockets(tls) }
      return current.sockets
    },
    close: async () => {
      const agents = [...watchesBefore, ...(current === undefined ? [] : [current.sockets.requests, current.sockets.watches])]
      current = undefined
      await Promise.all(agents.map((agent) => agent.destroy()))
    },
  }
}

function openSockets(tls: TlsMaterial): Sockets {
  const connect = {
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.servername === undefined ? {} : { servername: tls.servername }),
    ...(tls.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: tls.rejectUnauthorized }),
    keepAlive: true,
    keepAliveInitialDelay: 15_000,
  }
  // HTTP/1.1: one stuck HTTP/2 session would take every watch with it, and single requests are faster without it.
  const common = { allowH2: false, connect, connectTimeout: 10_000, pipelining: 1 }
  return {
    requests: new Agent({
      ...common,
      connections: 8,
      keepAliveTimeout: 30_000,
      maxResponseSize: longestAnswer,
      headersTimeout: 60_000,
      bodyTimeout: 60_000,
    }),
    watches: new Agent({ ...common, keepAliveTimeout: 1000, bodyTimeout: 0, headersTimeout: 60_000 }),
  }
}
