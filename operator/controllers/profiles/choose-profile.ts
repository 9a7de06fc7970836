// Decides which profile rules a node: the highest priority that matches, then the oldest, then the first name. Pure; never judges a profile's content.
import type { NodeNetworkProfile } from '#api/kinds/node-network-profile'

/** The best profile whose selector matches these labels; undefined when none does. */
export function chooseProfile(
  labels: Readonly<Record<string, string>>,
  profiles: readonly NodeNetworkProfile[],
): NodeNetworkProfile | undefined {
  return profiles.filter(({ spec }) => matches(spec.nodeSelector, labels)).toSorted(byRank)[0]
}

/** Whether every selected label is there with its value. An empty selector matches every node. */
export function matches(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([label, value]) => Object.hasOwn(labels, label) && labels[label] === value)
}

function byRank(a: NodeNetworkProfile, b: NodeNetworkProfile): number {
  const byPriority = b.spec.priority - a.spec.priority
  if (byPriority !== 0) return byPriority
  return compareTexts(a.metadata.creationTimestamp, b.metadata.creationTimestamp) || compareTexts(a.metadata.name, b.metadata.name)
}

/** By code point: RFC 3339 times in UTC sort as texts, and no locale may decide who rules a node. */
function compareTexts(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}
