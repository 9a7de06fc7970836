// Decides which operation of a fake API server a request means, and carries it out.
import { isRecord } from '../answers.ts'
import type { ObjectName } from '../resource.ts'
import { apiVersionOf, keyOf } from '../resource.ts'
import type { FakeOwners } from './fake-apply.ts'
import type { FakeApiServerOptions, Reply, SeenRequest } from './fake-http.ts'
import { answerError } from './fake-http.ts'
import type { Coordinates, FakeObjects, Stored } from './fake-objects.ts'
import { Refusal, resourceId, versionText } from './fake-objects.ts'
import { jsonPatch, mergePatch } from './fake-patch.ts'
import type { Asked } from './fake-select.ts'
import { isSelected } from './fake-select.ts'
import type { FakeWatches } from './fake-watches.ts'

export interface FakeRoutes {
  answer(seen: SeenRequest, reply: Reply): void
}

interface Parts {
  readonly options: FakeApiServerOptions
  readonly objects: FakeObjects
  readonly watches: FakeWatches
  readonly owners: FakeOwners
}

interface Target {
  readonly resource: Coordinates
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
}

type Answered = { readonly status: number; readonly body: unknown }

export function openFakeRoutes(parts: Parts): FakeRoutes {
  const { options } = parts
  return {
    answer: (seen, { response, chop }) => {
      try {
        authenticate(options.tokens, seen)
        const target = targetOf(options.resources, seen.path)
        if (target === undefined) {
          response?.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n')
          return
        }
        if (seen.query.get('watch') === 'true') {
          if (response !== undefined) openWatch(parts, target, { seen, response, chop })
          return
        }
        const { status, body } = operate(parts, target, seen)
        response?.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      } catch (error) {
        if (response !== undefined) answerError(response, error)
      }
    },
  }
}

function authenticate(tokens: readonly string[] | undefined, seen: SeenRequest): void {
  if (tokens === undefined) return
  if (!tokens.some((token) => seen.headers.authorization === `Bearer ${token}`)) throw new Refusal(401, 'Unauthorized', 'Unauthorized')
}

function targetOf(resources: readonly Coordinates[], path: string): Target | undefined {
  const match = /^\/(?:api\/(v1)|apis\/([^/]+\/[^/]+))\/(.+)$/u.exec(path)
  const apiVersion = match?.[1] ?? match?.[2]
  const steps = (match?.[3] ?? '').split('/').map(decodeURIComponent)
  const isScoped = steps[0] === 'namespaces' && steps.length > 2
  const [plural, name, subresource] = isScoped ? steps.slice(2) : steps
  const resource = resources.find(
    (known) => apiVersionOf(known) === apiVersion && known.plural === plural && (known.namespaced || !isScoped),
  )
  return resource === undefined ? undefined : { resource, namespace: isScoped ? steps[1] : undefined, name, subresource }
}

function openWatch(
  parts: Parts,
  target: Target,
  stream: { readonly seen: SeenRequest; readonly response: NonNullable<Reply['response']>; readonly chop: number | undefined },
): void {
  const { query } = stream.seen
  const sendInitialEvents = query.get('sendInitialEvents') === 'true'
  if (sendInitialEvents && parts.options.watchList === false) {
    throw new Refusal(
      422,
      'Invalid',
      'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled',
    )
  }
  if (sendInitialEvents && query.get('resourceVersionMatch') !== 'NotOlderThan')
    throw new Refusal(422, 'Invalid', 'resourceVersionMatch: NotOlderThan is required')
  parts.watches.open(stream.response, {
    resource: target.resource,
    asked: askedOf(target, query),
    resourceVersion: query.get('resourceVersion') ?? '',
    sendInitialEvents,
    chop: stream.chop,
  })
}

function askedOf(target: Target, query: URLSearchParams): Asked {
  return { namespace: target.namespace, labels: query.get('labelSelector') ?? '', fields: query.get('fieldSelector') ?? '' }
}

function operate(parts: Parts, target: Target, seen: SeenRequest): Answered {
  const { objects } = parts
  const name: ObjectName | undefined = target.name === undefined ? undefined : { name: target.name, namespace: target.namespace }
  switch (seen.method) {
    case 'GET':
      return name === undefined
        ? list(objects, target, seen.query)
        : { status: 200, body: found(objects.get(target.resource, name), target) }
    case 'POST':
      return create(parts, target, seen)
    case 'PUT':
      return { status: 200, body: objects.update(target.resource, withName(sentOf(seen), target), modeOf(target, seen)) }
    case 'PATCH':
      return patch(parts, target, seen)
    case 'DELETE':
      return remove(parts, target, seen)
    default:
      throw new Refusal(405, 'MethodNotAllowed', `${seen.method} is not supported`)
  }
}

function found(object: Stored | undefined, target: Target): Stored {
  if (object === undefined) throw new Refusal(404, 'NotFound', `${target.resource.plural} "${target.name ?? ''}" not found`)
  return object
}

/** Pages of a snapshot; its token carries the version that the first page had. */
function list(objects: FakeObjects, target: Target, query: URLSearchParams): Answered {
  const all = objects.list(target.resource).filter((object) => isSelected(object, askedOf(target, query)))
  const [sequence = objects.sequence(), from = 0] = (query.get('continue') ?? '')
    .split('.')
    .flatMap((part) => (part === '' ? [] : [Number(part)]))
  objects.since(target.resource, sequence)
  const limit = Number(query.get('limit') ?? all.length)
  const next = limit > 0 && from + limit < all.length ? `${sequence}.${from + limit}` : undefined
  const items = all.slice(from, limit > 0 ? from + limit : undefined).map(({ apiVersion: _v, kind: _k, ...item }) => item)
  const { resource } = target
  return {
    status: 200,
    body: {
      kind: `${resource.kind}List`,
      apiVersion: apiVersionOf(resource),
      metadata: { resourceVersion: versionText(sequence), continue: next },
      items: items.length === 0 ? null : items,
    },
  }
}

function create(parts: Parts, target: Target, seen: SeenRequest): Answered {
  const review = parts.options.reviews?.[target.resource.plural]
  const sent = sentOf(seen)
  if (review !== undefined) return { status: 201, body: { ...sent, metadata: { name: '' }, ...review(sent) } }
  return { status: 201, body: parts.objects.create(target.resource, withName(sent, target), modeOf(target, seen)) }
}

function patch(parts: Parts, target: Target, seen: SeenRequest): Answered {
  const type = seen.headers['content-type']
  if (type === 'application/apply-patch+yaml') return apply(parts, target, seen)
  const before = found(parts.objects.get(target.resource, { name: target.name ?? '', namespace: target.namespace }), target)
  const body: unknown = JSON.parse(seen.body)
  const after = type === 'application/json-patch+json' ? jsonPatch(before, body) : mergePatch(before, body)
  sameUid(before, after)
  return { status: 200, body: parts.objects.update(target.resource, isRecord(after) ? after : {}, modeOf(target, seen)) }
}

function apply(parts: Parts, target: Target, seen: SeenRequest): Answered {
  const { objects, owners } = parts
  const { resource, subresource } = target
  const name = { name: target.name ?? '', namespace: target.namespace }
  const mode = modeOf(target, seen)
  const manager = seen.query.get('fieldManager')
  if (manager === null) throw new Refusal(400, 'BadRequest', 'fieldManager is required for apply patch')
  const before = objects.get(resource, name)
  if (subresource !== undefined) found(before, target)
  const id = `${resourceId(resource)}/${keyOf(name)}/${subresource ?? ''}`
  const after = owners.apply(before, sentOf(seen), { id, manager, force: seen.query.get('force') === 'true' })
  const object = withName(isRecord(after) ? after : {}, target)
  if (before !== undefined) sameUid(before, object)
  return before === undefined
    ? { status: 201, body: objects.create(resource, object, mode) }
    : { status: 200, body: objects.update(resource, object, mode) }
}

/** A patch with another uid is an invalid change; only PUT and DELETE take a uid for a precondition (seen at a real server of 1.36). */
function sameUid(before: Stored, after: unknown): void {
  const metadata = isRecord(after) && isRecord(after['metadata']) ? after['metadata'] : {}
  if (metadata['uid'] === before.metadata.uid) return
  const message = `Invalid value: ${JSON.stringify(metadata['uid'])}: field is immutable`
  const what = `${before.kind ?? ''} "${before.metadata.name}" is invalid: metadata.uid: ${message}`
  throw new Refusal(422, 'Invalid', what, [{ field: 'metadata.uid', reason: 'FieldValueInvalid', message }])
}

function remove(parts: Parts, target: Target, seen: SeenRequest): Answered {
  const sent = seen.body === '' ? {} : sentOf(seen)
  const preconditions = isRecord(sent['preconditions']) ? sent['preconditions'] : {}
  const name = { name: target.name ?? '', namespace: target.namespace }
  parts.objects.delete(target.resource, name, preconditions)
  parts.owners.forget(`${resourceId(target.resource)}/${keyOf(name)}/`)
  return { status: 200, body: { kind: 'Status', apiVersion: 'v1', status: 'Success' } }
}

function sentOf(seen: SeenRequest): Readonly<Record<string, unknown>> {
  const sent: unknown = JSON.parse(seen.body)
  if (!isRecord(sent)) throw new Refusal(400, 'BadRequest', 'the body is not an object')
  return sent
}

function withName(object: Readonly<Record<string, unknown>>, target: Target): Readonly<Record<string, unknown>> {
  const metadata = isRecord(object['metadata']) ? object['metadata'] : {}
  const name = target.name === undefined ? {} : { name: target.name }
  return { ...object, metadata: { ...metadata, ...name, ...(target.namespace === undefined ? {} : { namespace: target.namespace }) } }
}

function modeOf(target: Target, seen: SeenRequest): { readonly subresource: string | undefined; readonly dryRun: boolean } {
  return { subresource: target.subresource, dryRun: seen.query.get('dryRun') === 'All' }
}
