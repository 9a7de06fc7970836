// Carries out network plans: publishes to the nodes, writes the status and tells transitions, each only when something changed. Decides nothing.
import type { Outcome } from '#kube/controller'
import type { Clock } from '#kube/process/clock'
import { statusChange, wasReady } from '../status-change.ts'
import type { Networks, NetworkSeen } from './networks.ts'
import { type NetworkPlan, planNetwork } from './plan-network.ts'
import { type NetworkReason, type NetworkReport, reportNetwork } from './report-network.ts'

export interface NetworkControllerOptions {
  readonly networks: Networks
  readonly clock: Clock
  /** Hears what became of a network; undefined: it does not exist any more. For metrics. */
  onReport?(key: string, reason: NetworkReason | undefined): void
}

/** While the CRD keeps no status a try costs no request; a changed CRD brings the network back at once. */
const PRUNED_MS = 60_000
/** Agents come back within seconds after a change of leaders. */
const SETTLING_MS = 5000

/** Puts one network into the stream as it is now. Synchronous: a new leader does this for all networks before it takes clients. */
export function publishNetwork(networks: Networks, key: string): { readonly seen: NetworkSeen; readonly plan: NetworkPlan } | undefined {
  const seen = networks.observe(key)
  if (seen === undefined) {
    networks.publish(key, new Map()) // Running pods keep their recorded configs for DEL; only new pods lose the network.
    return undefined
  }
  const plan = planNetwork(seen)
  networks.publish(key, plan.objects)
  return { seen, plan }
}

/** One reconcile of one network. Idempotent: a second call with the same world writes nothing. */
export function reconcileNetwork(options: NetworkControllerOptions): (key: string, signal: AbortSignal) => Promise<Outcome> {
  const { networks, clock } = options
  return async (key, signal) => {
    const published = publishNetwork(networks, key)
    if (published === undefined) {
      options.onReport?.(key, undefined)
      return { kind: 'done' }
    }
    const { seen, plan } = published
    const answers = new Map([...plan.objects.keys()].map((node) => [node, networks.answer(key, node)]))
    const report = reportNetwork(plan, { generation: seen.generation, answers, pods: seen.pods })
    options.onReport?.(key, report.reason)
    if (report.reason === 'WaitingForNodes' && networks.isSettling() && wasReady(seen.status, seen.generation)) {
      // After a change of leaders the old answers still stand in the status; counting them down for seconds would only alarm people.
      return { kind: 'waiting', for: 'agents to connect to this leader', afterMs: SETTLING_MS }
    }
    const change = statusChange(seen.status, report, clock.now())
    if (change.kind === 'write') {
      const written = await networks.writeStatus(key, change.status, { signal })
      if (written === 'pruned') return { kind: 'waiting', for: 'the CRD of NetworkAttachmentDefinition to keep status', afterMs: PRUNED_MS }
      if (written === 'written' && change.note !== undefined) networks.tell(key, change.note)
    }
    return outcomeOf(report)
  }
}

function outcomeOf({ reason, message }: NetworkReport): Outcome {
  switch (reason) {
    case 'Rendered':
      return { kind: 'done' }
    case 'WaitingForNodes':
      return { kind: 'waiting', for: message }
    case 'InvalidConfig':
    case 'MissingValue':
    case 'NodesRejected':
      return { kind: 'stuck', reason, message }
    default:
      return reason satisfies never
  }
}
