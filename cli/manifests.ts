// Decides which Kubernetes objects stand in a text: YAML documents, JSON, lists of objects. Never judges them.
import { LineCounter, parseAllDocuments } from 'yaml'
import { z } from 'zod'

/** One object of a file; `source` is `file:line`, with `#n` for a member of a list. */
export interface Manifest {
  readonly source: string
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly value: Readonly<Record<string, unknown>>
}

/** A text that holds no object. */
export interface Unreadable {
  readonly source: string
  readonly problem: string
}

const object = z.record(z.string(), z.unknown())
const list = z.object({ kind: z.string().endsWith('List'), items: z.array(z.unknown()) })
const head = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.object({ name: z.string().optional(), generateName: z.string().optional(), namespace: z.string().optional() }),
})

/** Every object of the text. Empty documents are left out. */
export function readManifests(
  text: string,
  from: { readonly file: string; readonly namespace: string },
): readonly (Manifest | Unreadable)[] {
  const lines = new LineCounter()
  return parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true }).flatMap((document): readonly (Manifest | Unreadable)[] => {
    const [error] = document.errors
    const at = error?.pos[0] ?? document.contents?.range?.[0] ?? 0
    const source = `${from.file}:${lines.linePos(at).line}`
    if (error !== undefined) return [{ source, problem: error.message.split('\n', 1)[0] ?? 'is not YAML' }]
    const value: unknown = document.toJS({ maxAliasCount: 100 })
    return value === null || value === undefined ? [] : objectsIn(value, source, from.namespace)
  })
}

function objectsIn(value: unknown, source: string, namespace: string): readonly (Manifest | Unreadable)[] {
  const members = list.safeParse(value)
  if (members.success) return members.data.items.flatMap((item, index) => objectsIn(item, `${source}#${index + 1}`, namespace))
  const whole = object.safeParse(value)
  const known = head.safeParse(value)
  if (!whole.success || !known.success) return [{ source, problem: 'is no Kubernetes object: apiVersion, kind or metadata is missing' }]
  const { apiVersion, kind, metadata } = known.data
  const name = metadata.name ?? metadata.generateName ?? ''
  return [{ source, apiVersion, kind, namespace: metadata.namespace ?? namespace, name, value: whole.data }]
}
