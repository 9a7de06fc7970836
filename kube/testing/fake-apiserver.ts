// An API server in memory for tests: real HTTP on loopback, real list and watch semantics, and faults on demand. Never used outside tests.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { ObjectName } from '../resource.ts'
import type { Coordinates, FakeObjects, Stored } from './fake-objects.ts'
import { openFakeObjects } from './fake-objects.ts'
import type { FakeApiServerOptions, Fault, FaultMatch, SeenRequest } from './fake-http.ts'
import { answerError, answerFault } from './fake-http.ts'
import { openFakeOwners } from './fake-apply.ts'
import { openFakeRoutes } from './fake-routes.ts'
import type { FakeWatches, OpenWatch } from './fake-watches.ts'
import { openFakeWatches } from './fake-watches.ts'

export interface FakeApiServer {
  readonly url: string
  readonly requests: readonly SeenRequest[]
  readonly objects: FakeObjects
  /** Creates or replaces, as another client would, status included. */
  put(resource: Coordinates, object: Readonly<Record<string, unknown>>): Stored
  get(resource: Coordinates, name: ObjectName): Stored | undefined
  fault(match: FaultMatch, fault: Fault): void
  watches(resource?: Coordinates): readonly OpenWatch[]
  /** TCP connections accepted so far, and those open now. */
  connections(): { readonly total: number; readonly open: number }
  close(): Promise<void>
}

/** Listens on a free port of 127.0.0.1. */
export async function openFakeApiServer(options: FakeApiServerOptions): Promise<FakeApiServer> {
  const objects = openFakeObjects()
  const watches = openFakeWatches(objects)
  const routes = openFakeRoutes({ options, objects, watches, owners: openFakeOwners() })
  const requests: SeenRequest[] = []
  const faults: { match: FaultMatch; fault: Fault; left: number }[] = []
  const connections = { total: 0, open: 0 }

  const takeFault = (seen: SeenRequest): Fault | undefined => {
    const found = faults.find(({ match, left }) => left > 0 && isMatch(match, seen))
    if (found !== undefined) found.left -= 1
    return found?.fault
  }
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://fake')
    const body = await textOf(request)
    const seen: SeenRequest = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body,
      status: 0,
    }
    requests.push(seen)
    response.on('close', () => {
      seen.status = response.headersSent ? response.statusCode : 0
    })
    const fault = takeFault(seen)
    if (fault?.kind === 'stall') return
    if (fault?.kind === 'reset') request.socket.resetAndDestroy()
    else if (fault?.kind === 'answer') answerFault(response, fault)
    else if (fault?.kind === 'reset-after') {
      routes.answer(seen, { response: undefined, chop: undefined })
      request.socket.resetAndDestroy()
    } else routes.answer(seen, { response, chop: fault?.bytes })
  }
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => answerError(response, error))
  })
  server.on('connection', (socket) => {
    connections.total += 1
    connections.open += 1
    socket.on('close', () => {
      connections.open -= 1
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    requests,
    objects,
    put: (resource, object) => putObject(objects, resource, object),
    get: (resource, name) => objects.get(resource, name),
    fault: (match, fault) => void faults.push({ match, fault, left: match.times ?? 1 }),
    watches: (resource) => watches.all(resource),
    connections: () => ({ ...connections }),
    close: () => closeServer(server, watches),
  }
}

function isMatch(match: FaultMatch, seen: SeenRequest): boolean {
  return (
    (match.method === undefined || match.method === seen.method) &&
    (match.path === undefined || match.path.test(seen.path)) &&
    (match.watch === undefined || match.watch === (seen.query.get('watch') === 'true'))
  )
}

function putObject(objects: FakeObjects, resource: Coordinates, object: Readonly<Record<string, unknown>>): Stored {
  const metadata = typeof object['metadata'] === 'object' && object['metadata'] !== null ? object['metadata'] : {}
  const name: ObjectName = {
    name: 'name' in metadata ? String(metadata.name) : '',
    ...('namespace' in metadata ? { namespace: String(metadata.namespace) } : {}),
  }
  const stored = objects.get(resource, name) === undefined ? objects.create(resource, object) : objects.update(resource, object)
  return 'status' in object ? objects.update(resource, { metadata: name, status: object['status'] }, { subresource: 'status' }) : stored
}

function closeServer(server: ReturnType<typeof createServer>, watches: FakeWatches): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    for (const watch of watches.all()) watch.end()
    server.closeAllConnections()
  })
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) {
    if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk))
  }
  return Buffer.concat(chunks).toString('utf8')
}
