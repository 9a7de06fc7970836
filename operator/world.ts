// Puts together the stores that the operator follows. Decides nothing; every replica holds them warm, so that a new leader can serve at once.
import type { NetworkAttachmentDefinition } from '#api/kinds/network-attachment-definition'
import type { NodeNetworkProfile } from '#api/kinds/node-network-profile'
import type { KubeReader } from '#kube/client'
import { type Informer, openInformer } from '#kube/informer'
import { reflectorMeter } from '#kube/observe'
import type { Clock, Random } from '#kube/process/clock'
import type { Log } from '#kube/process/log'
import type { Metrics } from '#kube/process/metrics'
import type { KubeObject, Resource } from '#kube/resource'
import type { Store, StoreOptions } from '#kube/store'
import {
  NETWORK_CRD,
  namespaceResource,
  type NamespaceSeen,
  networkResource,
  networkSchemaResource,
  type NetworkSchemaSeen,
  nodeNetworkResource,
  type NodeNetworkSeen,
  nodeResource,
  type NodeSeen,
  profileResource,
} from './resources.ts'

export interface World {
  readonly networks: Store<NetworkAttachmentDefinition>
  readonly profiles: Store<NodeNetworkProfile>
  readonly nodes: Store<NodeSeen>
  /** Index `network`: keys of the networks that a node's pods use. */
  readonly nodeNetworks: Store<NodeNetworkSeen>
  readonly namespaces: Store<NamespaceSeen>
  /** Holds the CRD of NetworkAttachmentDefinition alone. */
  readonly crds: Store<NetworkSchemaSeen>
  /** Resources whose first full state has not arrived. */
  missing(): readonly string[]
  /** Resolves when every store has its first full state. */
  synced(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

export interface WorldOptions {
  readonly client: KubeReader
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

/** Starts following everything. */
export function startWorld(options: WorldOptions): World {
  const onEdge = reflectorMeter(options.metrics)
  const follow = <T extends KubeObject>(
    resource: Resource<T>,
    more: Partial<StoreOptions<T>> & { readonly fieldSelector?: string } = {},
  ): Informer<T> => openInformer<T>({ ...options, ...more, log: options.log.child({ resource: resource.plural }), resource, onEdge })

  const networks = follow(networkResource)
  const profiles = follow(profileResource)
  const nodes = follow(nodeResource)
  const nodeNetworks = follow(nodeNetworkResource, { indexes: { network: ({ pods }) => [...pods.keys()] } })
  const namespaces = follow(namespaceResource)
  const crds = follow(networkSchemaResource, { fieldSelector: `metadata.name=${NETWORK_CRD}` })

  const informers = { networks, profiles, nodes, nodeNetworks, namespaces, crds }
  const reflectors = Object.values(informers).map(({ reflector }) => reflector)
  for (const reflector of reflectors) reflector.start()
  return {
    networks: networks.store,
    profiles: profiles.store,
    nodes: nodes.store,
    nodeNetworks: nodeNetworks.store,
    namespaces: namespaces.store,
    crds: crds.store,
    missing: () =>
      Object.entries(informers)
        .filter(([, { store }]) => !store.hasSynced())
        .map(([name]) => name),
    synced: async (signal) => {
      await Promise.all(Object.values(informers).map(({ store }) => store.synced(signal)))
    },
    stop: async () => {
      await Promise.all(reflectors.map((reflector) => reflector.stop()))
    },
  }
}
