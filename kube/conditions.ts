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
