// Decides values.schema.json: every object is closed unless its comment leaves it open, so that a mistyped name fails `helm install`.
import { profileSpec } from '#api/kinds/node-network-profile'
import { toStructural } from '#api/crd/structural'
import type { Json, JsonObject } from '#api/json'
import type { Group, Leaf } from './values.ts'

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/** JSON schema (draft 7) of the chart's values. `global` stays open: Helm itself puts it into every sub-chart. */
export function valuesSchema(values: Group): JsonObject {
  const { properties, ...closed } = groupSchema(values)
  const own = isObject(properties) ? properties : {}
  return { $schema: 'http://json-schema.org/draft-07/schema#', ...closed, properties: { global: { type: 'object' }, ...own } }
}

function groupSchema({ children }: Group): JsonObject {
  const properties = children.map((child) => [child.path.at(-1) ?? '', child.kind === 'leaf' ? leafSchema(child) : groupSchema(child)])
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(properties) }
}

function leafSchema(leaf: Leaf): JsonObject {
  const { description, marks } = leaf
  const [schema, choices] = [marks.get('schema'), marks.get('enum')]
  if (schema !== undefined) return { ...closed(toStructural(schemaNamed(schema), { defaults: false })), description }
  return choices === undefined ? { description, ...typed(leaf) } : { description, enum: choices.split('|') }
}

function typed({ path, fallback, marks }: Leaf): JsonObject {
  const name = `values.yaml: ${path.join('.')}`
  const types = marks.get('type')?.split('|') ?? [typeOf(fallback)]
  if (types.includes('object') && !marks.has('open')) throw new Error(`${name} is an object; mark it "# @open" or describe its values`)
  if (!types.includes('array')) return { type: one(types) }
  const items = marks.get('items')?.split('|')
  if (items === undefined) throw new Error(`${name} is a list; say what it holds with "# @items …"`)
  return { type: one(types), items: { type: one(items) } }
}

const one = (types: readonly string[]): Json => (types.length === 1 ? (types[0] ?? '') : types)

function schemaNamed(name: string): typeof profileSpec {
  if (name === 'NodeNetworkProfile.spec') return profileSpec
  throw new Error(`values.yaml: "@schema ${name}" is not known; there is NodeNetworkProfile.spec`)
}

function typeOf(value: Json): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'number' ? 'integer' : typeof value
}

/** The API server prunes unknown fields silently; Helm shall refuse them. */
function closed(schema: JsonObject): JsonObject {
  const kept = Object.entries(schema).filter(([key]) => !key.startsWith('x-kubernetes-') && key !== 'format')
  const entries = kept.map(([key, value]): [string, Json] => [key, closedValue(key, value)])
  return Object.fromEntries(isObject(schema['properties']) ? [...entries, ['additionalProperties', false]] : entries)
}

function closedValue(key: string, value: Json): Json {
  if (!isObject(value)) return value
  if (key === 'properties')
    return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, isObject(child) ? closed(child) : child]))
  return key === 'items' || key === 'additionalProperties' ? closed(value) : value
}
