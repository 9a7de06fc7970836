// Decides when the rejections of this node are known and when they are worked out anew. Never decides what is rejected: validate-networks.ts.
import type { ProfileObject, Rejection } from '#api/stream'
import type { HeldSnapshot } from './held-snapshot.ts'
import { type NodeInventory, validateNetworks } from './validate-networks.ts'

export interface NodeRejections {
  /** undefined while the node is not yet set up as its present profile says: plugins may still be on their way. */
  current(): readonly Rejection[] | undefined
  /** The node was set up for a profile; this is what it has. */
  settled(profile: ProfileObject, inventory: NodeInventory): void
  stop(): void
}

/** Opens the rejections of a snapshot. */
export function openNodeRejections(snapshot: HeldSnapshot): NodeRejections {
  let known: { readonly profile: ProfileObject; readonly inventory: NodeInventory } | undefined
  let rejections: readonly Rejection[] | undefined
  const stop = snapshot.onChange(() => {
    rejections = undefined
  })
  return {
    current: () => {
      const profile = snapshot.profile()
      if (known === undefined || profile?.name !== known.profile.name || profile.generation !== known.profile.generation) return undefined
      // A node that Plexus leaves serves nothing, and nobody counts on it.
      if (profile.spec.state === 'Removed') return []
      rejections ??= validateNetworks(snapshot.networks(), known.inventory)
      return rejections
    },
    settled: (profile, inventory) => {
      known = { profile, inventory }
      rejections = undefined
    },
    stop,
  }
}
