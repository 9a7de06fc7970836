// Decides which sandbox of this node is a pod's present one. Pure.
import type { PodIdentity } from '#api/sandbox-record'
import type { SandboxSummary } from '../journal/journal.ts'

export type FoundSandbox =
  /** Seldom more than one: a dead sandbox that nobody deleted yet. */
  | { readonly kind: 'attached'; readonly containerIds: readonly string[] }
  /** It has sandboxes, none of which is attached at this moment. */
  | { readonly kind: 'changing' }
  /** Plexus never attached a pod of this name. */
  | { readonly kind: 'none' }
  /** Another incarnation of the name; also a static pod, whose uid at the API server is not its own. */
  | { readonly kind: 'other' }

/** The sandboxes of a pod. A record without uid belongs to any pod of its name. */
export function findSandbox(summaries: ReadonlyMap<string, SandboxSummary>, pod: PodIdentity): FoundSandbox {
  const own = [...summaries].filter(([, summary]) => isOf(pod, summary.pod))
  const attached = own.filter(([, { state }]) => state === 'attached')
  if (attached.length > 0) return { kind: 'attached', containerIds: attached.map(([containerId]) => containerId) }
  if (own.length > 0) return { kind: 'changing' }
  return { kind: [...summaries.values()].some((summary) => isNamesake(pod, summary.pod)) ? 'other' : 'none' }
}

function isOf(pod: PodIdentity, owner: PodIdentity): boolean {
  if (owner.uid !== '') return owner.uid === pod.uid
  return isNamesake(pod, owner)
}

function isNamesake(pod: PodIdentity, owner: PodIdentity): boolean {
  return owner.name === pod.name && owner.namespace === pod.namespace
}
