// Carries out what a profile's report says: status and events, each only when something changed. Decides nothing; ruling nodes is the node controller's.
import type { Outcome } from '#kube/controller'
import type { Clock } from '#kube/process/clock'
import { statusChange, wasReady } from '../status-change.ts'
import type { Profiles } from './profiles.ts'
import { type ProfileReport, reportProfile } from './report-profile.ts'

/** One reconcile of one profile. Idempotent: a second call with the same world writes nothing. */
export function reconcileProfile(options: {
  readonly profiles: Profiles
  readonly clock: Clock
}): (name: string, signal: AbortSignal) => Promise<Outcome> {
  const { profiles, clock } = options
  return async (name, signal) => {
    const seen = profiles.observe(name)
    if (seen === undefined) return { kind: 'done' } // Nodes it ruled keep its last version.
    const report = reportProfile(seen)
    if (report.reason === 'WaitingForNodes' && profiles.isSettling() && wasReady(seen.status, seen.generation)) {
      return { kind: 'waiting', for: 'agents to connect to this leader', afterMs: 5000 }
    }
    const change = statusChange(seen.status, report, clock.now())
    if (change.kind === 'write') {
      const written = await profiles.writeStatus(name, change.status, { signal })
      if (written === 'written' && change.note !== undefined) profiles.tell(name, change.note)
    }
    return outcomeOf(report)
  }
}

function outcomeOf({ reason, message }: ProfileReport): Outcome {
  switch (reason) {
    case 'InForce':
    case 'NoNodes':
      return { kind: 'done' }
    case 'WaitingForNodes':
      return { kind: 'waiting', for: message }
    case 'InvalidProfile':
    case 'NodesRejected':
      return { kind: 'stuck', reason, message }
    default:
      return reason satisfies never
  }
}
