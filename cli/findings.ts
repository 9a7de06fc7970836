// Decides what is told of one mistake: object, field, value and remedy. Pure.
import { type Rejected, sentenceOf } from '#api/json'

/** One thing that is wrong (`error`) or doubtful (`warning`) in one object. */
export interface Finding {
  readonly severity: 'error' | 'warning'
  /** `file:line`. */
  readonly source: string
  /** `Kind namespace/name`. */
  readonly object: string
  /** Path of the field; empty: the object as a whole. */
  readonly field: string
  /** The value and why it is refused. */
  readonly problem: string
  /** What to write instead; empty when the problem says it. */
  readonly remedy: string
}

export type Place = Pick<Finding, 'source' | 'object'>

/** A refusal of a parser. */
export function findingOf(place: Place, { path, problem, remedy }: Omit<Rejected, 'ok'>): Finding {
  return { ...place, severity: 'error', field: path, problem, remedy }
}

/** A sentence `<field>: <problem>; <remedy>`, as operator and agent tell it. */
export function findingIn(place: Place, sentence: string, severity: Finding['severity'] = 'error'): Finding {
  const [, field = '', rest = sentence] = /^([^\s:]+(?:\s[^\s:]*")?): (.*)$/s.exec(sentence) ?? []
  const cut = rest.lastIndexOf('; ')
  const [problem, remedy] = cut < 0 ? [rest, ''] : [rest.slice(0, cut), rest.slice(cut + 2)]
  return { ...place, severity, field, problem, remedy }
}

/** One line for people. */
export function lineOf({ severity, source, object, ...sentence }: Finding): string {
  const { field: path, problem, remedy } = sentence
  const text = remedy === '' ? (path === '' ? problem : `${path}: ${problem}`) : sentenceOf({ path, problem, remedy })
  return `${severity === 'error' ? 'ERROR  ' : 'WARNING'} ${source}  ${object}\n        ${text}`
}
