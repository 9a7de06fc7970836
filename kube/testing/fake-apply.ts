// Server-side apply of a fake API server: who owns which field, conflicts, fields that are given up. Lists are atomic, except conditions (by type).
import { isRecord } from '../answers.ts'
import { Refusal } from './fake-objects.ts'

/** Field path (JSON) → value (JSON). */
type Fields = ReadonlyMap<string, string>

export interface FakeOwners {
  /** The object after an apply; `before` is undefined when it does not exist yet. Throws Refusal 409 for fields of others. */
  apply(before: unknown, intent: Readonly<Record<string, unknown>>, by: Applier): unknown
  forget(id: string): void
}

/** `id` names the object and its subresource. */
export interface Applier {
  readonly id: string
  readonly manager: string
  readonly force: boolean
}

export function openFakeOwners(): FakeOwners {
  const owned = new Map<string, Map<string, Fields>>()
  return {
    apply: (before, intent, by) => {
      const managers = owned.get(by.id) ?? new Map<string, Fields>()
      const fields = new Map(leaves(intent))
      const conflicts = [...managers].flatMap(([manager, theirs]) =>
        manager === by.manager
          ? []
          : [...fields].filter(([path, value]) => theirs.has(path) && theirs.get(path) !== value).map(([path]) => ({ manager, path })),
      )
      if (conflicts.length > 0 && !by.force) throw conflict(conflicts)
      for (const { manager, path } of conflicts) {
        managers.set(manager, new Map([...(managers.get(manager) ?? [])].filter(([known]) => known !== path)))
      }
      const mine = managers.get(by.manager) ?? new Map<string, string>()
      const others = [...managers].filter(([manager]) => manager !== by.manager)
      const givenUp = [...mine.keys()].filter((path) => !fields.has(path) && !others.some(([, theirs]) => theirs.has(path)))
      managers.set(by.manager, fields)
      owned.set(by.id, managers)
      return overlay(
        givenUp.reduce<unknown>((at, path) => without(at, stepsOf(path)), before ?? {}),
        intent,
      )
    },
    forget: (id) => {
      for (const known of owned.keys()) {
        if (known.startsWith(id)) owned.delete(known)
      }
    },
  }
}

function conflict(conflicts: readonly { readonly manager: string; readonly path: string }[]): Refusal {
  const causes = conflicts.map(({ manager, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with "${manager}"`,
    field: `.${stepsOf(path).join('.')}`,
  }))
  return new Refusal(409, 'Conflict', `Apply failed with ${causes.length} conflict(s)`, causes)
}

function leaves(value: unknown, path: readonly string[] = []): readonly (readonly [string, string])[] {
  const ignored =
    path.length === 1
      ? ['apiVersion', 'kind'].includes(path[0] ?? '')
      : path.length === 2 && path[0] === 'metadata' && ['name', 'namespace'].includes(path[1] ?? '')
  if (ignored) return []
  if (isConditions(path, value)) return value.flatMap((item) => leaves(item, [...path, `type=${String(item['type'])}`]))
  if (isRecord(value)) return Object.entries(value).flatMap(([name, item]) => leaves(item, [...path, name]))
  return [[JSON.stringify(path), JSON.stringify(value)]]
}

function stepsOf(path: string): readonly string[] {
  const steps: unknown = JSON.parse(path)
  return Array.isArray(steps) ? steps.map(String) : []
}

function isConditions(path: readonly string[], value: unknown): value is readonly Readonly<Record<string, unknown>>[] {
  return path.at(-1) === 'conditions' && Array.isArray(value) && value.every((item) => isRecord(item) && typeof item['type'] === 'string')
}

function overlay(before: unknown, intent: unknown, path: readonly string[] = []): unknown {
  if (isConditions(path, intent)) {
    const known = isConditions(path, before) ? before : []
    const kept = known.map((old) => overlay(old, intent.find((item) => item['type'] === old['type']) ?? {}, [...path, '']))
    return [...kept, ...intent.filter((item) => !known.some((old) => old['type'] === item['type']))]
  }
  if (!isRecord(intent)) return intent
  const merged: Record<string, unknown> = isRecord(before) ? { ...before } : {}
  for (const [name, value] of Object.entries(intent)) merged[name] = overlay(merged[name], value, [...path, name])
  return merged
}

function without(target: unknown, steps: readonly string[]): unknown {
  const [step, ...rest] = steps
  if (step === undefined) return undefined
  if (Array.isArray(target)) return withoutItem(target, step, rest)
  if (!isRecord(target) || !(step in target)) return target
  const { [step]: inner, ...others } = target
  const left = without(inner, rest)
  return left === undefined || (isRecord(left) && Object.keys(left).length === 0) ? others : { ...target, [step]: left }
}

function withoutItem(target: readonly unknown[], step: string, rest: readonly string[]): unknown {
  const isIt = (item: unknown): boolean => isRecord(item) && `type=${String(item['type'])}` === step
  // A condition whose type is given up goes as a whole.
  return rest[0] === 'type' ? target.filter((item) => !isIt(item)) : target.map((item) => (isIt(item) ? without(item, rest) : item))
}
