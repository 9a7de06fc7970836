// Decides what the stream holds for one node apart from networks: its profile while it exists, nothing afterwards. Never writes to the API server.
import type { StoreView } from '#kube/store'
import type { NodeNetworkSeen, NodeSeen } from '../../resources.ts'
import type { Acks } from '../../stream/acks.ts'
import type { Hub } from '../../stream/hub.ts'
import { PROFILE_KEY, type Ruling, type Rulings } from './rulings.ts'

export interface NodesOptions {
  readonly nodes: StoreView<NodeSeen>
  readonly nodeNetworks: StoreView<NodeNetworkSeen>
  readonly rulings: Rulings
  readonly hub: Hub
  readonly acks: Acks
}

/** What changed for one node: the profiles whose counts changed, and whether networks must be rendered for another set of nodes or values. */
export interface NodeChange {
  readonly profiles: readonly string[]
  readonly ruling: 'changed' | 'same'
}

/** Takes over one node as it is now. Synchronous: a new leader does this for all nodes before it takes clients. */
export function takeOverNode(options: NodesOptions, name: string): NodeChange {
  const { rulings, hub, acks } = options
  const before = rulings.of(name)
  const node = options.nodes.get(name)
  if (node === undefined) {
    // Its NodeNetwork is garbage by owner reference; its records of answers must not count any more.
    rulings.forget(name)
    acks.forget(name)
    hub.forget(name)
    return changeOf(before, undefined)
  }
  const ruling = rulings.rule({ name, labels: node.labels }, options.nodeNetworks.get(name)?.profile)
  // A spec that was never valid, or whose profile is gone since before this leader: the agent keeps what it has.
  if (ruling?.spec !== undefined) {
    const { profile, generation, spec } = ruling
    hub.put({ kind: 'profile', key: PROFILE_KEY }, name, { name: profile, generation, spec })
  }
  return changeOf(before, ruling)
}

function changeOf(before: Ruling | undefined, after: Ruling | undefined): NodeChange {
  const isSame = before?.profile === after?.profile && before?.generation === after?.generation && before?.spec === after?.spec
  const profiles = [before?.profile, after?.profile].filter((profile) => profile !== undefined)
  return { profiles: [...new Set(profiles)], ruling: isSame ? 'same' : 'changed' }
}
