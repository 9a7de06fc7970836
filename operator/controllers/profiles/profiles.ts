// Decides what the profile controller needs from the outside: the port. Adapter: kube-profiles.ts; fake: profiles.fake.ts.
import type { ProfileStatus } from '#api/kinds/node-network-profile'
import type { TransitionNote } from '../transitions.ts'
import type { ProfileObservation } from './report-profile.ts'

export interface ProfileSeen extends ProfileObservation {
  readonly status: ProfileStatus | undefined
}

export interface Profiles {
  /** Undefined when the profile does not exist (any more). */
  observe(name: string): ProfileSeen | undefined
  /** True while agents that knew the last leader may still be on their way here. */
  isSettling(): boolean
  writeStatus(name: string, status: ProfileStatus, options: { readonly signal: AbortSignal }): Promise<'written' | 'gone'>
  tell(name: string, note: TransitionNote): void
}
