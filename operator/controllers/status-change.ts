// Decides whether a reported status differs from the present one, and what is then written and told. Pure; the same for every kind.
import { isDeepStrictEqual } from 'node:util'
import { type Condition, setConditions, type Wanted } from '#kube/conditions'
import { noteOf, type TransitionNote } from './transitions.ts'

/** A status as objects carry it. */
export interface WithConditions {
  readonly observedGeneration?: number | undefined
  readonly conditions?: Condition[] | undefined
}

/** A status without the times at which its conditions changed. */
export interface Reported<S> {
  readonly status: S
  readonly wanted: Wanted
}

export type StatusChange<S> =
  | { readonly kind: 'none' }
  | { readonly kind: 'write'; readonly status: S & { readonly conditions: Condition[] }; readonly note: TransitionNote | undefined }

/** `none` when the object says all of it already. Only conditions that are wanted or unwanted by name are written: others have other writers. */
export function statusChange<S extends object>(before: WithConditions | undefined, reported: Reported<S>, now: Date): StatusChange<S> {
  const { conditions: present = [], ...rest } = before ?? {}
  const change = setConditions(present, reported.wanted, now)
  if (!change.changed && isDeepStrictEqual(rest, reported.status)) return { kind: 'none' }
  const conditions = change.conditions.filter(({ type }) => type in reported.wanted).map((condition) => ({ ...condition }))
  return { kind: 'write', status: { ...reported.status, conditions }, note: noteOf(present, reported.wanted) }
}

/** Whether the status says Ready for this very generation. */
export function wasReady(status: WithConditions | undefined, generation: number): boolean {
  if (status?.observedGeneration !== generation) return false
  return status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true
}
