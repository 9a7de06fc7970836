// Decides which schemas the API server takes as structural and can bound the cost of. Never changes a schema.
import type { Json, JsonObject } from '#api/json'

/** What may stand in a schema of ours; everything else is either not structural or not understood by the API server. */
const ALLOWED = new Set([
  'additionalProperties',
  'default',
  'description',
  'enum',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'format',
  'items',
  'maxItems',
  'maxLength',
  'maxProperties',
  'maximum',
  'minItems',
  'minLength',
  'minimum',
  'nullable',
  'pattern',
  'properties',
  'required',
  'type',
  'uniqueItems',
])

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Sentences about everything in `schema` that must not reach the API server; none when it may. `unbounded` lists paths that are allowed to have
 * no maximal length, because somebody else's API leaves them open.
 */
export function lintStructural(schema: JsonObject, unbounded: readonly string[] = []): readonly string[] {
  return lintNode(schema, '', new Set(unbounded))
}

function lintNode(node: JsonObject, path: string, unbounded: ReadonlySet<string>): readonly string[] {
  const where = path === '' ? 'the schema' : path
  const findings = Object.keys(node)
    .filter((key) => !ALLOWED.has(key) && !key.startsWith('x-kubernetes-'))
    .map((key) => `${where}: "${key}" is not structural; write the schema without it`)
  const type = typeof node['type'] === 'string' ? node['type'] : undefined
  if (type === undefined && node['x-kubernetes-int-or-string'] !== true)
    findings.push(`${where}: has no type; give every field one type (unions: use one object and a rule)`)
  if (isObject(node['properties']) && node['additionalProperties'] !== undefined)
    findings.push(`${where}: has properties and additionalProperties; use a strict object or a record`)
  return [...findings, ...lintBounds(node, where, unbounded.has(path)), ...lintChildren(node, path, unbounded)]
}

/** Rules cost by the longest possible value, so every value needs a bound. */
function lintBounds(node: JsonObject, where: string, free: boolean): readonly string[] {
  if (free) return []
  if (node['type'] === 'string' && node['enum'] === undefined && node['maxLength'] === undefined)
    return [`${where}: a string without maxLength; add .max()`]
  if (node['type'] === 'array' && node['maxItems'] === undefined) return [`${where}: a list without maxItems; add .max()`]
  if (node['type'] === 'array' && node['x-kubernetes-list-type'] === undefined)
    return [`${where}: a list without x-kubernetes-list-type; say atomic, set or map in .meta()`]
  return []
}

function lintChildren(node: JsonObject, path: string, unbounded: ReadonlySet<string>): readonly string[] {
  const properties = isObject(node['properties']) ? Object.entries(node['properties']) : []
  const children: (readonly [string, Json | undefined])[] = [
    ...properties.map(([name, child]) => [path === '' ? name : `${path}.${name}`, child] as const),
    [`${path}[]`, node['items']],
    [`${path}{}`, node['additionalProperties']],
  ]
  return children.flatMap(([name, child]) => (isObject(child) ? lintNode(child, name, unbounded) : []))
}
