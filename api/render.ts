// Decides what a network's config is on one node: placeholders replaced by that node's values (architecture, "Rendering per node"). Never reads nodes.
import type { NetworkConfig } from './cni/config.ts'
import { configSource, readNetworkConfig } from './cni/config.ts'
import type { Json, JsonObject, Rejected } from './json.ts'
import { isList, isObject, rejected } from './json.ts'
import { pathTo, shown } from './json-path.ts'

/** What a config may ask about a node. */
export interface RenderFacts {
  readonly node: {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations: Readonly<Record<string, string>>
  }
  /** `parameters` of the profile that rules the node. */
  readonly profileParameters: Readonly<Record<string, string>>
}

/** `placeholder` as the user wrote it, without `${}`: `node.labels['uplink']`. */
export type RenderFailure = Rejected & {
  readonly reason: 'missing' | 'not-an-integer' | 'forbidden' | 'invalid'
  readonly placeholder: string
}

export type Rendered = { readonly ok: true; readonly config: NetworkConfig } | RenderFailure

const PLACEHOLDER = /\$\{(node\.name|(?:node\.labels|node\.annotations|profile\.parameters)\['([^'"\\}]+)'\])(\|int)?\}/g
const ONE_INTEGER = /^-?(?:0|[1-9]\d*)$/

/** Keys whose values decide what is executed or which addresses are used, at any depth of a plugin. */
const FORBIDDEN_KEYS = ['type', 'pool', 'pools']

/** Replaces every placeholder and validates the result again. Any other `${` is left alone. Paths begin at `spec.config`. */
export function renderForNode(config: NetworkConfig, facts: RenderFacts): Rendered {
  if (!hasPlaceholders(config)) return { ok: true, config }
  try {
    const source = replaced(configSource(config), 'spec.config', (text, path, key) => substitute(text, { path, key, facts }))
    const read = readNetworkConfig(source, { path: 'spec.config', name: config.name, defaultVersion: config.cniVersion })
    return read.ok ? read : { ...read, reason: 'invalid', placeholder: '' }
  } catch (error) {
    if (error instanceof Unrendered) return error.failure
    throw error
  }
}

/** The first placeholder in a place where none may be; undefined when there is none. Needs no node: for admission. */
export function forbiddenPlaceholder(config: NetworkConfig): RenderFailure | undefined {
  try {
    replaced(configSource(config), 'spec.config', (text, path, key) => {
      for (const match of text.matchAll(PLACEHOLDER)) checkPlace(match, { text, path, key })
      return text
    })
    return undefined
  } catch (error) {
    if (error instanceof Unrendered) return error.failure
    throw error
  }
}

/** Whether the config differs between nodes at all. */
export function hasPlaceholders(config: NetworkConfig): boolean {
  return JSON.stringify(configSource(config)).search(PLACEHOLDER) >= 0
}

/** Carries a failure out of the walk; never leaves this file. */
class Unrendered extends Error {
  readonly failure: RenderFailure
  constructor(failure: RenderFailure) {
    super(failure.problem)
    this.failure = failure
  }
}

type Replace = (text: string, path: string, key: string) => Json

/** Walks every string value. `key` is the innermost object key; for members of a list the list's key. */
function replaced(source: JsonObject, root: string, replace: Replace): JsonObject {
  const walk = (value: Json, path: string, key: string): Json => {
    if (typeof value === 'string') return replace(value, path, key)
    if (isList(value)) return value.map((item, index) => walk(item, pathTo(path, index), key))
    return isObject(value) ? members(value, path) : value
  }
  const members = (object: JsonObject, path: string): JsonObject =>
    Object.fromEntries(Object.entries(object).map(([key, value]) => [key, walk(value, pathTo(path, key), key)]))
  return members(source, root)
}

function substitute(
  text: string,
  { path, key, facts }: { readonly path: string; readonly key: string; readonly facts: RenderFacts },
): Json {
  let number: number | undefined
  const result = text.replaceAll(PLACEHOLDER, (whole, placeholder: string, name: string | undefined, integer: string | undefined) => {
    checkPlace([whole, placeholder, name, integer], { text, path, key })
    const value = valueOf(placeholder, name, facts)
    if (value === undefined) {
      throw new Unrendered(
        failure('missing', { path, placeholder, problem: `node ${facts.node.name} has no ${placeholder}`, remedy: remedyFor(placeholder) }),
      )
    }
    if (integer !== undefined) number = integerOf(value, { path, placeholder, node: facts.node.name })
    return value
  })
  return number ?? result
}

function valueOf(placeholder: string, name: string | undefined, facts: RenderFacts): string | undefined {
  if (name === undefined) return facts.node.name
  const values = placeholder.startsWith('node.labels')
    ? facts.node.labels
    : placeholder.startsWith('node.annotations')
      ? facts.node.annotations
      : facts.profileParameters
  return Object.hasOwn(values, name) ? values[name] : undefined
}

function integerOf(value: string, where: { readonly path: string; readonly placeholder: string; readonly node: string }): number {
  const number = Number(value)
  if (ONE_INTEGER.test(value) && Number.isSafeInteger(number)) return number
  const { path, placeholder, node } = where
  const problem = `${placeholder} of node ${node} is ${shown(value)} and not an integer`
  throw new Unrendered(failure('not-an-integer', { path, placeholder, problem, remedy: 'set an integer, or remove "|int"' }))
}

function checkPlace(
  match: readonly (string | undefined)[],
  where: { readonly text: string; readonly path: string; readonly key: string },
): void {
  const [whole = '', placeholder = '', , integer] = match
  const { text, path, key } = where
  const isName = key === 'name' && /^spec\.config(?:\.plugins\[\d+\])?\.name$/.test(path)
  if (isName || FORBIDDEN_KEYS.includes(key)) {
    throw new Unrendered(
      failure('forbidden', {
        path,
        placeholder,
        problem: `${shown(whole)} is not allowed here`,
        remedy: `write the same "${key}" for every node`,
      }),
    )
  }
  if (integer !== undefined && text !== whole) {
    throw new Unrendered(
      failure('forbidden', {
        path,
        placeholder,
        problem: `${shown(whole)} is only a part of the value`,
        remedy: 'write "|int" only where it is the whole value',
      }),
    )
  }
}

function failure(reason: RenderFailure['reason'], told: Omit<Rejected, 'ok'> & { readonly placeholder: string }): RenderFailure {
  return { ...rejected(told.path, told.problem, told.remedy), reason, placeholder: told.placeholder }
}

function remedyFor(placeholder: string): string {
  if (placeholder.startsWith('profile')) return "set it in the NodeNetworkProfile's spec.parameters"
  return `set the ${placeholder.startsWith('node.labels') ? 'label' : 'annotation'} on the node`
}
