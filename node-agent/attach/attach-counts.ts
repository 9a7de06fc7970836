// Decides how many sandboxes and pods per network this node reports. Pure.
import type { SandboxSummary } from '../journal/journal.ts'

/** For NodeNetwork's status. */
export interface AttachCounts {
  readonly attached: number
  readonly deleting: number
  /** Pods per network, keyed `namespace/name`. */
  readonly networks: ReadonlyMap<string, number>
}

export function countAttached(summaries: Iterable<SandboxSummary>): AttachCounts {
  const networks = new Map<string, number>()
  let attached = 0
  let deleting = 0
  for (const { state, networks: used } of summaries) {
    if (state === 'deleting') deleting += 1
    if (state !== 'attached') continue
    attached += 1
    for (const network of new Set(used)) networks.set(network, (networks.get(network) ?? 0) + 1)
  }
  return { attached, deleting, networks }
}
