// Decides the metric of networks by state: counted from what their last reconcile reported.
import type { Metrics } from '#kube/process/metrics'
import type { NetworkReason } from './report-network.ts'

export interface NetworkTally {
  /** Undefined: the network does not exist any more. */
  readonly report: (key: string, reason: NetworkReason | undefined) => void
  /** Sets all counts to 0: this replica does not lead any more. */
  clear(): void
}

export function openNetworkTally(metrics: Metrics): NetworkTally {
  const gauge = metrics.gauge({
    name: 'networks',
    help: 'NetworkAttachmentDefinitions by the reason of their Ready condition.',
    labels: ['state'],
  })
  const reasons = new Map<string, NetworkReason>()
  return {
    report: (key, reason) => {
      const before = reasons.get(key)
      if (before === reason) return
      if (before !== undefined) gauge.with({ state: before }).add(-1)
      if (reason === undefined) reasons.delete(key)
      else {
        reasons.set(key, reason)
        gauge.with({ state: reason }).add(1)
      }
    },
    clear: () => {
      for (const reason of reasons.values()) gauge.with({ state: reason }).add(-1)
      reasons.clear()
    },
  }
}
