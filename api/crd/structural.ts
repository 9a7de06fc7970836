// Decides how a zod schema becomes a structural OpenAPI v3 schema of a CRD. Never writes files and never accepts what the API server would refuse.
import { z } from 'zod'
import type { Json, JsonObject } from '#api/json'

/** Structural schema as apiextensions/v1 understands it; plain JSON. */
export type StructuralSchema = JsonObject

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Converts the schema of users' input: optional where zod has a default; defaults written out, so that `kubectl explain` and diff tools show
 * them, unless `defaults` is false (kinds that are not ours to complete).
 * Throws zod's error when a schema cannot be said in JSON schema at all (bigint, transform); what can be said but is not structural is found by
 * `lintStructural`.
 */
export function toStructural(schema: z.ZodType, options: { readonly defaults: boolean } = { defaults: true }): StructuralSchema {
  const generated: unknown = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    reused: 'inline',
    cycles: 'throw',
    unrepresentable: 'throw',
  })
  return tidy(z.json().parse(generated), options.defaults ? NOISE : [...NOISE, 'default'])
}

const NOISE: readonly string[] = ['$schema', 'propertyNames']

/** Drops what generators add: words without meaning for the API server, bounds that mean "any safe integer". Says `int64` instead. */
function tidy(node: Json, dropped: readonly string[]): StructuralSchema {
  if (!isObject(node)) return {}
  const entries = Object.entries(node).filter(([key, value]) => !dropped.includes(key) && !isAnyInteger(key, value))
  const kept: [string, Json][] = entries.map(([key, value]) => [key, tidyValue(key, value, dropped)])
  return Object.fromEntries(node['type'] === 'integer' ? [...kept, ['format', 'int64']] : kept)
}

function tidyValue(key: string, value: Json, dropped: readonly string[]): Json {
  if (!isObject(value)) return value
  if (key === 'properties') return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, tidy(child, dropped)]))
  return key === 'items' || key === 'additionalProperties' ? tidy(value, dropped) : value
}

const isAnyInteger = (key: string, value: Json): boolean =>
  (key === 'maximum' && value === Number.MAX_SAFE_INTEGER) || (key === 'minimum' && value === Number.MIN_SAFE_INTEGER)
