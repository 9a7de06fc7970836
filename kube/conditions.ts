// Decides how a condition list changes: transition time only with status, absent when healthy, no write without change. Pure.

/** meta/v1 Condition. */
export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  readonly lastTransitionTime: string
  readonly observedGeneration?: number | undefined
}

/** A condition as a planner wants it; `undefined` in `Wanted` removes the type. */
export type WantedCondition = Omit<Condition, 'lastTransitionTime' | 'type'>
export type Wanted = Readonly<Record<string, WantedCondition | undefined>>

/** A change of status of one condition, for one event and one metric. */
export interface Transition {
  readonly type: string
  readonly from: Condition['status'] | 'Absent'
  readonly to: Condition['status'] | 'Absent'
  readonly reason: string
  readonly message: string
}

export interface ConditionChange {
  readonly conditions: readonly Condition[]
  readonly transitions: readonly Transition[]
  /** False when nothing at all differs: then nothing is to be written. */
  readonly changed: boolean
}

/** The list after `wanted`. Types that `wanted` does not name stay; order stays, new ones come last. */
export function setConditions(before: readonly Condition[], wanted: Wanted, now: Date): ConditionChange {
  const at = now.toISOString().replace(/\.\d+Z$/u, 'Z')
  const names = new Set([...before.map(({ type }) => type), ...Object.keys(wanted)])
  const conditions: Condition[] = []
  const transitions: Transition[] = []
  for (const type of names) {
    const old = before.find((condition) => condition.type === type)
    const next = type in wanted ? wanted[type] : old
    if (next !== undefined) {
      const lastTransitionTime = old?.status === next.status ? old.lastTransitionTime : at
      conditions.push({ ...next, type, lastTransitionTime })
    }
    if (old?.status !== next?.status) transitions.push(transitionOf(type, old, next))
  }
  return { conditions, transitions, changed: !isSameList(before, conditions) }
}

function transitionOf(type: string, old: Condition | undefined, next: WantedCondition | undefined): Transition {
  const said = next ?? old
  return { type, from: old?.status ?? 'Absent', to: next?.status ?? 'Absent', reason: said?.reason ?? '', message: said?.message ?? '' }
}

function isSameList(before: readonly Condition[], after: readonly Condition[]): boolean {
  return before.length === after.length && before.every((old, index) => isSame(old, after[index]))
}

function isSame(a: Condition, b: Condition | undefined): boolean {
  const fields = ['type', 'status', 'reason', 'message', 'lastTransitionTime', 'observedGeneration'] as const
  return b !== undefined && fields.every((field) => a[field] === b[field])
}
