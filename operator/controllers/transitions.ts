// Decides which change of conditions people read as an event: becoming ready, and each new reason to be stuck. Pure.
import type { Condition, Wanted } from '#kube/conditions'

export interface TransitionNote {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

/** The event of one write of a status; undefined when the write was no transition, such as a changed count. */
export function noteOf(before: readonly Condition[], wanted: Wanted): TransitionNote | undefined {
  const { Ready: ready, Stalled: stalled } = wanted
  const had = (type: string): Condition | undefined => before.find((condition) => condition.type === type)
  if (stalled !== undefined) {
    const old = had('Stalled')
    if (old?.status === 'True' && old.reason === stalled.reason) return undefined
    return { type: 'Warning', reason: stalled.reason, message: stalled.message }
  }
  if (ready?.status !== 'True' || had('Ready')?.status === 'True') return undefined
  return { type: 'Normal', reason: ready.reason, message: ready.message }
}
