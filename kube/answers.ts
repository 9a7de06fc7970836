// Decides whether the text of an answer is an object or a page of objects, and calls the resource's parser on it. Pure.
import { isError } from './process/is-error.ts'
import { isKubeError, KubeError } from './kube-error.ts'
import type { KubeObject, ObjectName, Resource } from './resource.ts'

/** A page as the server sent it. `next` is the continue token. */
export interface RawPage {
  readonly items: readonly unknown[]
  readonly resourceVersion: string
  readonly next: string | undefined
}

/** Text → JSON; throws KubeError `Malformed`. */
export function parseText(what: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw malformed(what, 'its body is not JSON', cause)
  }
}

/** A value through the parser of its resource; a parser's error becomes KubeError `Malformed` that quotes it. */
export function parseObject<T>(what: string, resource: Resource<T>, value: unknown): T {
  try {
    return resource.parse(value)
  } catch (cause) {
    if (isKubeError(cause)) throw cause
    throw malformed(what, isError(cause) ? cause.message : String(cause), cause)
  }
}

/** The parts of a list; `items: null` is an empty one. */
export function parsePage(what: string, value: unknown): RawPage {
  if (!isRecord(value) || !isRecord(value['metadata'])) throw malformed(what, 'it is not a list', undefined)
  const { items } = value
  const { resourceVersion, continue: next } = value['metadata']
  if (typeof resourceVersion !== 'string' || (!Array.isArray(items) && items !== null && items !== undefined)) {
    throw malformed(what, 'it is not a list', undefined)
  }
  return { items: Array.isArray(items) ? items : [], resourceVersion, next: typeof next === 'string' && next !== '' ? next : undefined }
}

/** The least of an object, for callers that need no more; throws an Error naming what is missing. Other fields stay. */
export function parseKubeObject(value: unknown): KubeObject & Readonly<Record<string, unknown>> {
  if (!isRecord(value)) throw new Error('the object is not a JSON object')
  if (!isRecord(value['metadata']) || typeof value['metadata']['name'] !== 'string') throw new Error('metadata.name is missing')
  const { name, namespace, uid, resourceVersion } = value['metadata']
  for (const [field, text] of Object.entries({ namespace, uid, resourceVersion })) {
    if (text !== undefined && typeof text !== 'string') throw new Error(`metadata.${field} is not a string`)
  }
  return { ...value, metadata: { ...value['metadata'], name } }
}

/** Name and namespace inside an object about to be sent; the name is empty for reviews and generated names. */
export function nameIn(object: Readonly<Record<string, unknown>>): ObjectName {
  const metadata = isRecord(object['metadata']) ? object['metadata'] : {}
  const { name, namespace } = metadata
  return { name: typeof name === 'string' ? name : '', ...(typeof namespace === 'string' ? { namespace } : {}) }
}

/** True for a JSON object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(what: string, problem: string, cause: unknown): KubeError {
  const message = `${what} got an answer that cannot be used: ${problem}`
  return new KubeError({ status: 0, reason: 'Malformed', message, causes: [], retryAfterMs: undefined }, { cause })
}
