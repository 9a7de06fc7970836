// Serves /metrics, /healthz and /readyz over plain HTTP. Decides nothing: health and readiness are closures of its owner.
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

/** The answer to a probe; a reason is shown to whoever asks. */
export type Health = { readonly ok: true } | { readonly ok: false; readonly reason: string }

export interface HttpEndpointOptions {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  readonly metrics: Metrics
  healthy(): Health
  ready(): Health
  readonly log: Log
}

export interface HttpEndpoint {
  readonly port: number
  close(): Promise<void>
}

/** Listens; rejects when the port cannot be bound. */
export async function openHttpEndpoint(options: HttpEndpointOptions): Promise<HttpEndpoint> {
  const server = createServer({ requestTimeout: 10_000, keepAliveTimeout: 5000 }, (request, response) => {
    answer(request.url ?? '/', response, options).catch((error: unknown) => {
      options.log.error('a probe or scrape could not be answered', { path: request.url, error })
      if (!response.headersSent) response.writeHead(500)
      response.end('internal error\n')
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return {
    port: portOf(server.address(), options.port),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(url: string, response: ServerResponse, options: HttpEndpointOptions): Promise<void> {
  const path = url.split('?', 1)[0]
  if (path === '/metrics') {
    const text = await options.metrics.text()
    response.writeHead(200, { 'content-type': options.metrics.contentType }).end(text)
    return
  }
  if (path === '/healthz' || path === '/readyz') {
    const health = path === '/healthz' ? options.healthy() : options.ready()
    response.writeHead(health.ok ? 200 : 503, { 'content-type': 'text/plain' }).end(health.ok ? 'ok\n' : `${health.reason}\n`)
    return
  }
  response.writeHead(404).end('not found; there are /metrics, /healthz and /readyz\n')
}

function portOf(address: string | AddressInfo | null, asked: number): number {
  return address === null || typeof address === 'string' ? asked : address.port
}
