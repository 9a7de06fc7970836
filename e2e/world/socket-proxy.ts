// Stands between shim and agent on a node's socket and strikes once at a chosen request, before or after the agent has answered. No hook in the agent.
import { rename, rm } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Node } from '#cluster/node/node'

export interface Strike {
  /** The request that is struck, such as `/v1/plan`. */
  readonly path: string
  /** before: the agent never sees it. after: the agent has answered, the shim never hears it. */
  readonly moment: 'before' | 'after'
  readonly act: () => Promise<void>
}

export interface Proxy {
  /** Resolves when the strike has happened. */
  fired(): Promise<void>
  close(): Promise<void>
}

const SOCKET = '/run/plexus/cni/plexus.sock'

/** Moves the agent's socket aside and listens in its place. The struck connection is cut; every other request passes. */
export async function proxySocket(node: Node, strike: Strike): Promise<Proxy> {
  const path = node.files.pathOf(SOCKET)
  const behind = `${path}.behind`
  const listening = `${path}.proxy`
  await rename(path, behind)
  let armed = true
  const strikes = Promise.withResolvers<void>()
  const hit = async (): Promise<void> => {
    try {
      await strike.act()
      strikes.resolve()
    } catch (error) {
      strikes.reject(error)
    }
  }
  strikes.promise.catch(() => undefined) // Told by `fired`, which may be asked later.
  const forward = async (url: string, method: string, body: string): Promise<{ readonly status: number; readonly body: string }> => {
    const sent = request({ socketPath: behind, path: url, method, headers: { 'content-type': 'application/json', connection: 'close' } })
    const answered = new Promise<{ readonly status: number; readonly body: string }>((resolve, reject) => {
      sent.once('response', (response) => {
        text(response).then((answer) => resolve({ status: response.statusCode ?? 500, body: answer }), reject)
      })
      sent.once('error', reject)
    })
    sent.end(body)
    return answered
  }
  const server = createServer((incoming, outgoing) => {
    const serve = async (): Promise<void> => {
      const body = await text(incoming)
      const struck = armed && incoming.url === strike.path
      if (struck) armed = false
      if (struck && strike.moment === 'before') {
        await hit()
        incoming.socket.destroy()
        return
      }
      const answer = await forward(incoming.url ?? '/', incoming.method ?? 'GET', body)
      if (struck) {
        await hit()
        incoming.socket.destroy()
        return
      }
      outgoing.writeHead(answer.status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer.body) })
      outgoing.end(answer.body)
    }
    serve().catch(() => incoming.socket.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(listening, resolve)
  })
  await rename(listening, path) // On close Node unlinks the name it bound; by then the agent may have its own socket at `path`.
  return {
    fired: () => Promise.race([strikes.promise, limit(60_000)]),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(behind, { force: true })
    },
  }
}

async function limit(ms: number): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, ms).unref())
  throw new Error(`no request was struck within ${ms / 1000} s`)
}
