// Adapter of the client port to HTTP: builds requests, parses every object at the border. Decides nothing about retries (transport) or meaning (parsers).
import type {
  CallOptions,
  DeleteOptions,
  KubeClient,
  ListPage,
  Patch,
  Selection,
  Sent,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './client.ts'
import { isRecord, nameIn, parseObject, parsePage, parseText } from './answers.ts'
import { isKubeError } from './kube-error.ts'
import { linesOf } from './lines.ts'
import type { Query } from './paths.ts'
import { collectionPath, objectPath, selectionQuery, withQuery } from './paths.ts'
import type { ObjectName, Resource } from './resource.ts'
import { apiVersionOf, keyOf } from './resource.ts'
import type { Exchange, Transport } from './transport.ts'
import { parseWatchEvent } from './watch-events.ts'

const usualDeadlineMs = 30_000
const pageSize = 500
/** etcd refuses objects above 1.5 MB; the API server's own limits stay below 3 MB. */
const longestLine = 16 * 1024 * 1024

const contentTypes = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const satisfies Record<Patch['type'], string>

/** The client of a process over its transport. */
export function openHttpClient(transport: Transport): KubeClient {
  return {
    get: (resource, name, options) => get(transport, resource, { name, options }),
    list: (resource, selection, options) => pages(transport, resource, { selection: selection ?? {}, options: options ?? {} }),
    watch: (resource, options) => watch(transport, resource, options),
    create: (resource, object, options) => {
      const name = nameIn(object)
      const collection =
        options?.subresource === undefined ? collectionPath(resource, name.namespace) : objectPath(resource, name, options.subresource)
      return write(transport, resource, {
        name,
        path: collection,
        method: 'POST',
        verb: 'create',
        body: full(resource, object),
        repeatable: false,
        options,
      })
    },
    replace: (resource, object, options) => {
      const name = nameIn(object)
      const path = objectPath(resource, name, options?.subresource)
      return write(transport, resource, {
        name,
        path,
        method: 'PUT',
        verb: 'replace',
        body: full(resource, object),
        repeatable: false,
        options,
      })
    },
    patch: (resource, name, options) => {
      const { body, type } = options.patch
      const call = { name, path: objectPath(resource, name, options.subresource), method: 'PATCH', verb: 'patch' } as const
      return write(transport, resource, { ...call, body, contentType: contentTypes[type], repeatable: type !== 'json', options })
    },
    apply: (resource, object, options) => {
      const name = nameIn(object)
      const call = { name, path: objectPath(resource, name, options.subresource), method: 'PATCH', verb: 'apply' } as const
      const query = { force: options.force }
      return write(transport, resource, {
        ...call,
        body: full(resource, object),
        contentType: 'application/apply-patch+yaml',
        repeatable: true,
        query,
        options,
      })
    },
    delete: (resource, name, options) => remove(transport, resource, { name, options: options ?? {} }),
    close: () => transport.close(),
  }
}

async function get<T>(
  transport: Transport,
  resource: Resource<T>,
  call: { readonly name: ObjectName; readonly options: CallOptions | undefined },
): Promise<T | undefined> {
  const what = describe('get', resource, call.name)
  try {
    const text = await transport.send({
      ...limits(call.options),
      verb: 'get',
      resource: resource.plural,
      what,
      method: 'GET',
      path: objectPath(resource, call.name),
      repeatable: true,
    })
    return parseObject(what, resource, parseText(what, text))
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return undefined
    throw error
  }
}

async function* pages<T>(
  transport: Transport,
  resource: Resource<T>,
  call: { readonly selection: Selection; readonly options: CallOptions },
): AsyncGenerator<ListPage<T>> {
  const what = `list ${resource.plural}`
  const path = collectionPath(resource, call.selection.namespace)
  let next: string | undefined
  do {
    const query = { limit: pageSize, continue: next, ...selectionQuery(call.selection) }
    // A page needs the token of the one before it.
    // oxlint-disable-next-line no-await-in-loop
    const text = await transport.send({
      ...limits(call.options),
      verb: 'list',
      resource: resource.plural,
      what,
      method: 'GET',
      path: withQuery(path, query),
      repeatable: true,
    })
    const page = parsePage(what, parseText(what, text))
    next = page.next
    // Items of a list come without kind and apiVersion; objects have one shape wherever they came from.
    const kind = { kind: resource.kind, apiVersion: apiVersionOf(resource) }
    yield {
      items: page.items.map((item) => parseObject(what, resource, isRecord(item) ? { ...kind, ...item } : item)),
      resourceVersion: page.resourceVersion,
    }
  } while (next !== undefined)
}

async function watch(transport: Transport, resource: Resource<unknown>, options: WatchOptions): Promise<AsyncIterable<WatchEvent>> {
  const what = `watch ${resource.plural}`
  const initial = options.sendInitialEvents === true
  const path = withQuery(collectionPath(resource, options.namespace), {
    watch: true,
    allowWatchBookmarks: true,
    timeoutSeconds: options.timeoutSeconds,
    resourceVersion: options.resourceVersion,
    ...(initial ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' } : {}),
    ...selectionQuery(options),
  })
  const exchange = {
    verb: 'watch',
    resource: resource.plural,
    what,
    method: 'GET',
    path,
    repeatable: false,
    deadlineMs: usualDeadlineMs,
    signal: options.signal,
  } as const
  return events(what, await transport.stream(exchange))
}

async function* events(what: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<WatchEvent> {
  for await (const line of linesOf(bytes, longestLine)) yield parseWatchEvent(what, line)
}

interface WriteCall {
  readonly name: ObjectName
  readonly path: string
  readonly method: Exchange['method']
  readonly verb: Exchange['verb']
  readonly body: unknown
  readonly contentType?: string
  readonly repeatable: boolean
  readonly query?: Query
  readonly options: WriteOptions | undefined
}

async function write<T>(transport: Transport, resource: Resource<T>, call: WriteCall): Promise<T> {
  const { options, verb, method, contentType, repeatable } = call
  const what = describe(verb, resource, call.name, options?.subresource)
  const query = { fieldManager: options?.fieldManager, dryRun: options?.dryRun === true ? 'All' : undefined, ...call.query }
  const body = JSON.stringify(call.body)
  const text = await transport.send({
    ...limits(options),
    verb,
    resource: resource.plural,
    what,
    method,
    path: withQuery(call.path, query),
    body,
    contentType,
    repeatable,
  })
  return parseObject(what, resource, parseText(what, text))
}

async function remove(
  transport: Transport,
  resource: Resource<unknown>,
  call: { readonly name: ObjectName; readonly options: DeleteOptions },
): Promise<boolean> {
  const { uid, resourceVersion, gracePeriodSeconds, propagationPolicy } = call.options
  const preconditions = uid === undefined && resourceVersion === undefined ? undefined : { uid, resourceVersion }
  const body = JSON.stringify({ kind: 'DeleteOptions', apiVersion: 'v1', preconditions, gracePeriodSeconds, propagationPolicy })
  const what = describe('delete', resource, call.name)
  try {
    await transport.send({
      ...limits(call.options),
      verb: 'delete',
      resource: resource.plural,
      what,
      method: 'DELETE',
      path: objectPath(resource, call.name),
      body,
      repeatable: true,
    })
    return true
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return false
    throw error
  }
}

function limits(options: CallOptions | undefined): Pick<Exchange, 'deadlineMs' | 'signal'> {
  return { deadlineMs: options?.deadlineMs ?? usualDeadlineMs, signal: options?.signal }
}

/** A subresource may take a kind of another group (policy/v1 Eviction on pods): what the object says of itself stands. */
function full(resource: Resource<unknown>, object: Sent): Sent {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object }
}

function describe(verb: string, resource: Resource<unknown>, name: ObjectName, subresource?: string): string {
  return `${verb} ${resource.plural}${subresource === undefined ? '' : `/${subresource}`} ${keyOf(name)}`.trimEnd()
}
