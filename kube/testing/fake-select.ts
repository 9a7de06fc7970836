// Label and field selectors of a fake API server: equality, inequality, existence. Pure.
import { isRecord } from '../answers.ts'
import type { Stored } from './fake-objects.ts'

/** What a list or watch asked for; empty texts select everything. */
export interface Asked {
  readonly namespace: string | undefined
  readonly labels: string
  readonly fields: string
}

/** True when the object is covered. */
export function isSelected(object: Stored, asked: Asked): boolean {
  if (asked.namespace !== undefined && object.metadata.namespace !== asked.namespace) return false
  const labels = object.metadata.labels ?? {}
  return (
    terms(asked.labels).every((term) => holds(term, (name) => labels[name])) &&
    terms(asked.fields).every((term) => holds(term, (path) => fieldOf(object, path)))
  )
}

function terms(selector: string): readonly string[] {
  return selector.split(',').filter((term) => term !== '')
}

function holds(term: string, valueOf: (name: string) => string | undefined): boolean {
  const unequal = /^(.+?)!=(.*)$/u.exec(term)
  if (unequal !== null) return valueOf(unequal[1] ?? '') !== unequal[2]
  const equal = /^(.+?)==?(.*)$/u.exec(term)
  if (equal !== null) return valueOf(equal[1] ?? '') === equal[2]
  return term.startsWith('!') ? valueOf(term.slice(1)) === undefined : valueOf(term) !== undefined
}

function fieldOf(object: Stored, path: string): string | undefined {
  const found = path.split('.').reduce<unknown>((at, step) => (isRecord(at) ? at[step] : undefined), object)
  return typeof found === 'string' ? found : undefined
}
