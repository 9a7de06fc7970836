// Decides what the comments of values.yaml say about each value. Knows the house's way of writing that file, not YAML in general.
import { parse } from 'yaml'
import { z } from 'zod'
import type { Json, JsonObject } from '#api/json'

/** A value that users may set: everything below it is its business. */
export interface Leaf {
  readonly kind: 'leaf'
  readonly path: readonly string[]
  readonly description: string
  readonly fallback: Json
  /** Words after "@": `enum`, `type`, `items`, `open`, `schema`. */
  readonly marks: ReadonlyMap<string, string>
}

/** A group of values. */
export interface Group {
  readonly kind: 'group'
  readonly path: readonly string[]
  readonly children: readonly (Leaf | Group)[]
}

interface Commented {
  readonly indent: number
  readonly key: string
  readonly comments: readonly string[]
}

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads values.yaml. Throws when a value has no description, naming it. */
export function readValues(text: string): Group {
  const values = z.record(z.string(), z.json()).parse(parse(text))
  return group(values, [], commentsOf(text))
}

function group(values: JsonObject, path: readonly string[], comments: ReadonlyMap<string, readonly string[]>): Group {
  const children = Object.entries(values).map(([key, value]): Leaf | Group => {
    const own = [...path, key]
    const lines = comments.get(own.join('.')) ?? []
    const description = lines.find((line) => line.startsWith('-- '))?.slice(3)
    if (description !== undefined) return { kind: 'leaf', path: own, description, fallback: value, marks: marksOf(lines) }
    if (isObject(value) && Object.keys(value).length > 0) return group(value, own, comments)
    throw new Error(`values.yaml: ${own.join('.')} has no description; write "# -- …" above it`)
  })
  return { kind: 'group', path, children }
}

function marksOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const marks = lines.filter((line) => line.startsWith('@'))
  return new Map(marks.map((line) => [line.slice(1).split(' ', 1)[0] ?? '', line.slice(1).split(' ').slice(1).join(' ')]))
}

/** Comment lines right above each key, by dotted path. */
function commentsOf(text: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>()
  let path: readonly Commented[] = []
  let comments: readonly string[] = []
  for (const line of text.split('\n')) {
    const comment = /^\s*# ?(.*)$/.exec(line)
    const key = /^(\s*)([A-Za-z][\w]*):/.exec(line)
    if (comment !== null) comments = [...comments, comment[1] ?? '']
    else if (key === null) comments = []
    else {
      const indent = key[1]?.length ?? 0
      path = [...path.filter((outer) => outer.indent < indent), { indent, key: key[2] ?? '', comments }]
      found.set(path.map((step) => step.key).join('.'), comments)
      comments = []
    }
  }
  return found
}
