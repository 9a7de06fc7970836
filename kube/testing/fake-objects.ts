// The objects of a fake API server: versions, history, optimistic concurrency, preconditions. Knows nothing of HTTP.
import { isRecord, parseKubeObject } from '../answers.ts'
import type { KubeObject, ObjectName, Resource } from '../resource.ts'
import { apiVersionOf, keyOf } from '../resource.ts'

export type Stored = KubeObject & Readonly<Record<string, unknown>>
export type Coordinates = Omit<Resource<unknown>, 'parse'>

/** One change, as watches are told. `previous` is undefined for an added object. */
export interface Happening {
  readonly sequence: number
  readonly resource: string
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: Stored
  readonly previous: Stored | undefined
}

/** A refusal, answered as metav1.Status. */
export class Refusal extends Error {
  readonly status: number
  readonly reason: string
  readonly causes: readonly Readonly<Record<string, string>>[]

  constructor(status: number, reason: string, message: string, causes: readonly Readonly<Record<string, string>>[] = []) {
    super(message)
    this.status = status
    this.reason = reason
    this.causes = causes
  }
}

export interface WriteMode {
  readonly subresource?: string | undefined
  readonly dryRun?: boolean | undefined
}

/** `group/version/plural`. */
export function resourceId(resource: Coordinates): string {
  return `${apiVersionOf(resource)}/${resource.plural}`
}

/** Versions are no numbers here on purpose: whoever parses them fails. */
export function versionText(sequence: number): string {
  return `v${sequence.toString(36)}x`
}

export function sequenceOf(version: string): number {
  const match = /^v([0-9a-z]+)x$/u.exec(version)
  if (match?.[1] === undefined) throw new Refusal(400, 'BadRequest', `resourceVersion: Invalid value: "${version}"`)
  return Number.parseInt(match[1], 36)
}

export interface FakeObjects {
  get(resource: Coordinates, name: ObjectName): Stored | undefined
  list(resource: Coordinates): readonly Stored[]
  create(resource: Coordinates, object: Readonly<Record<string, unknown>>, mode?: WriteMode): Stored
  /** Writes the outcome of a PUT, patch or apply. Checks metadata.resourceVersion and uid if they are there. */
  update(resource: Coordinates, object: Readonly<Record<string, unknown>>, mode?: WriteMode): Stored
  delete(resource: Coordinates, name: ObjectName, preconditions?: { readonly uid?: unknown; readonly resourceVersion?: unknown }): Stored
  /** Changes after a version; throws Refusal 410 when they are no longer known. */
  since(resource: Coordinates, sequence: number): readonly Happening[]
  sequence(): number
  /** Forgets all history up to now. */
  compact(): void
  onHappening(listener: (happening: Happening) => void): () => void
}

export function openFakeObjects(): FakeObjects {
  const tables = new Map<string, Map<string, Stored>>()
  const listeners = new Set<(happening: Happening) => void>()
  let history: Happening[] = []
  let sequence = 100
  let compacted = 0
  let uids = 0

  const table = (resource: Coordinates): Map<string, Stored> => {
    const id = resourceId(resource)
    const known = tables.get(id)
    if (known !== undefined) return known
    const fresh = new Map<string, Stored>()
    tables.set(id, fresh)
    return fresh
  }
  const happen = (
    resource: Coordinates,
    type: Happening['type'],
    change: { readonly object: Stored; readonly previous: Stored | undefined },
  ): void => {
    const happening = { sequence, resource: resourceId(resource), type, ...change }
    history.push(happening)
    for (const listener of listeners) listener(happening)
  }
  const existing = (resource: Coordinates, name: ObjectName): Stored => {
    const object = table(resource).get(keyOf(name))
    if (object === undefined) throw new Refusal(404, 'NotFound', `${resource.plural} "${name.name}" not found`)
    return object
  }
  return {
    get: (resource, name) => table(resource).get(keyOf(name)),
    list: (resource) => [...table(resource).values()].toSorted((a, b) => keyOf(a).localeCompare(keyOf(b))),
    create: (resource, sent, mode = {}) => {
      uids += 1
      const object = parseKubeObject(named(sent, uids))
      if (table(resource).has(keyOf(object)))
        throw new Refusal(409, 'AlreadyExists', `${resource.plural} "${object.metadata.name}" already exists`)
      const metadata = { ...object.metadata, uid: `uid-${uids}`, generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' }
      const { status: _ignored, ...rest } = object
      const stored = {
        ...rest,
        apiVersion: apiVersionOf(resource),
        kind: resource.kind,
        metadata: { ...metadata, resourceVersion: versionText(sequence + 1) },
      }
      if (mode.dryRun === true) return stored
      sequence += 1
      table(resource).set(keyOf(stored), stored)
      happen(resource, 'ADDED', { object: stored, previous: undefined })
      return stored
    },
    update: (resource, sent, mode = {}) => {
      const object = parseKubeObject(sent)
      const previous = existing(resource, object.metadata)
      check(resource, previous, object.metadata)
      const merged = afterWrite(previous, object, mode.subresource)
      if (JSON.stringify(merged) === JSON.stringify(previous) || mode.dryRun === true) return merged
      sequence += 1
      const stored = { ...merged, metadata: { ...merged.metadata, resourceVersion: versionText(sequence) } }
      table(resource).set(keyOf(stored), stored)
      happen(resource, 'MODIFIED', { object: stored, previous })
      return stored
    },
    delete: (resource, name, preconditions = {}) => {
      const previous = existing(resource, name)
      check(resource, previous, preconditions)
      sequence += 1
      table(resource).delete(keyOf(name))
      const object = { ...previous, metadata: { ...previous.metadata, resourceVersion: versionText(sequence) } }
      happen(resource, 'DELETED', { object, previous })
      return object
    },
    since: (resource, from) => {
      if (from < compacted) throw new Refusal(410, 'Expired', `too old resource version: ${versionText(from)}`)
      return history.filter((happening) => happening.resource === resourceId(resource) && happening.sequence > from)
    },
    sequence: () => sequence,
    compact: () => {
      history = []
      sequence += 1
      compacted = sequence
    },
    onHappening: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

function named(sent: Readonly<Record<string, unknown>>, id: number): Readonly<Record<string, unknown>> {
  const metadata = isRecord(sent['metadata']) ? sent['metadata'] : {}
  const { generateName } = metadata
  return typeof generateName === 'string' && metadata['name'] === undefined
    ? { ...sent, metadata: { ...metadata, name: `${generateName}${id}` } }
    : sent
}

function check(resource: Coordinates, object: Stored, wanted: { readonly uid?: unknown; readonly resourceVersion?: unknown }): void {
  const { uid, resourceVersion } = object.metadata
  const what = `Operation cannot be fulfilled on ${resource.plural} "${object.metadata.name}"`
  if (wanted.uid !== undefined && wanted.uid !== uid)
    throw new Refusal(409, 'Conflict', `${what}: the UID in the precondition does not match`)
  if (wanted.resourceVersion !== undefined && wanted.resourceVersion !== '' && wanted.resourceVersion !== resourceVersion) {
    throw new Refusal(
      409,
      'Conflict',
      `${what}: the object has been modified; please apply your changes to the latest version and try again`,
    )
  }
}

/** What the server keeps of a write: identity is its own, status only through its subresource, generation follows the rest. */
function afterWrite(previous: Stored, sent: Stored, subresource: string | undefined): Stored {
  const { uid, creationTimestamp, resourceVersion, generation = 1 } = previous.metadata
  const server = { uid, creationTimestamp, resourceVersion }
  if (subresource === 'status') {
    const annotations = sent.metadata.annotations ?? previous.metadata.annotations
    return {
      ...previous,
      metadata: { ...previous.metadata, ...(annotations === undefined ? {} : { annotations }) },
      ...('status' in sent ? { status: sent['status'] } : {}),
    }
  }
  const { status: _ignored, ...rest } = sent
  const merged = { ...rest, ...('status' in previous ? { status: previous['status'] } : {}) }
  const isNew = JSON.stringify(intentOf(merged)) !== JSON.stringify(intentOf(previous))
  return { ...merged, metadata: { ...sent.metadata, ...server, generation: isNew ? generation + 1 : generation } }
}

function intentOf(object: Readonly<Record<string, unknown>>): unknown {
  const { metadata: _metadata, status: _status, ...intent } = object
  return Object.entries(intent).toSorted(([a], [b]) => a.localeCompare(b))
}
