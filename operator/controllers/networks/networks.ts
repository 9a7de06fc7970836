// Decides what the network controller needs from the outside: the port. Adapter: kube-networks.ts; fake: networks.fake.ts.
import type { NetworkStatus } from '#api/kinds/network-attachment-definition'
import type { NodeNetworkObject } from '#api/stream'
import type { Answer } from '../../stream/acks.ts'
import type { NetworkObservation } from './plan-network.ts'

/** A network and what its status says at present. */
export interface NetworkSeen extends NetworkObservation {
  readonly status: NetworkStatus | undefined
  readonly pods: number
}

/** A transition that the user should read in the NAD's events. */
export interface NetworkEvent {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

export interface Networks {
  /** Keys of all networks, `namespace/name`. */
  keys(): readonly string[]
  /** Undefined when the NAD does not exist (any more). */
  observe(key: string): NetworkSeen | undefined
  /** Makes exactly these nodes hold these objects; an empty map withdraws the network. */
  publish(key: string, objects: ReadonlyMap<string, NodeNetworkObject>): void
  /** What a node said of what it was sent last. */
  answer(key: string, node: string): Answer
  /** True while agents that knew the last leader may still be on their way here. */
  isSettling(): boolean
  /** Writes the whole status. `pruned`: the API server dropped it, because another installer replaced the CRD. */
  writeStatus(key: string, status: NetworkStatus, options: { readonly signal: AbortSignal }): Promise<'written' | 'pruned' | 'gone'>
  tell(key: string, event: NetworkEvent): void
}
