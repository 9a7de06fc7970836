// Adapter of the Networks port to the stores, the stream's hub and the API server. Decides nothing about networks.
import { networkMarks } from '#api/annotations/network-marks'
import type { NetworkAttachmentDefinition, NetworkStatus } from '#api/kinds/network-attachment-definition'
import type { RenderFacts } from '#api/render'
import type { KubeReader, KubeWriter } from '#kube/client'
import type { EventRecorder } from '#kube/events'
import { isKubeError } from '#kube/kube-error'
import { apiVersionOf, nameOf } from '#kube/resource'
import type { StoreView } from '#kube/store'
import { networkResource, type NodeNetworkSeen, type NodeSeen } from '../../resources.ts'
import type { Acks } from '../../stream/acks.ts'
import type { Hub } from '../../stream/hub.ts'
import { openWritten } from '../../written.ts'
import type { Rulings } from '../nodes/rulings.ts'
import type { Networks } from './networks.ts'
import type { StatusSchema } from './status-schema.ts'

export const FIELD_MANAGER = 'plexus-operator'
const RESOURCE_NAME = 'k8s.v1.cni.cncf.io/resourceName'

export interface KubeNetworksOptions {
  readonly client: KubeReader & KubeWriter
  readonly networks: StoreView<NetworkAttachmentDefinition>
  readonly nodes: StoreView<NodeSeen>
  /** With an index `network`: keys of the networks that a node's pods use. */
  readonly nodeNetworks: StoreView<NodeNetworkSeen>
  readonly rulings: Rulings
  readonly hub: Hub
  readonly acks: Acks
  readonly events: EventRecorder
  readonly schema: StatusSchema
  isSettling(): boolean
}

export function openKubeNetworks(options: KubeNetworksOptions): Networks {
  const { client, networks, hub, acks, schema } = options
  const written = openWritten<NetworkAttachmentDefinition>()

  const isThere = async (key: string, signal: AbortSignal): Promise<boolean> =>
    (await client.get(networkResource, nameOf(key), { signal })) !== undefined

  const apply = async (stored: NetworkAttachmentDefinition, status: NetworkStatus, signal: AbortSignal): Promise<'written' | 'pruned'> => {
    const { name, namespace = '' } = stored.metadata
    const sent = { metadata: { name, namespace }, status }
    const answer = await client.apply(networkResource, sent, { fieldManager: FIELD_MANAGER, subresource: 'status', force: true, signal })
    if (answer.status?.conditions === undefined) return 'pruned'
    written.remember(stored, answer)
    return 'written'
  }
  return {
    keys: () => networks.list().map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`),
    observe: (key) => {
      const stored = networks.get(key)
      if (stored === undefined) {
        written.forget(key)
        return undefined
      }
      const { metadata, spec } = stored
      return {
        name: metadata.name,
        uid: metadata.uid,
        generation: metadata.generation,
        config: spec.config,
        resourceName: metadata.annotations[RESOURCE_NAME],
        marks: networkMarks(metadata.annotations),
        nodes: factsOf(options),
        status: written.newest(stored).status,
        pods: podsOf(options, key),
      }
    },
    publish: (key, objects) => hub.publish('network', key, objects),
    answer: (key, node) => acks.answer(node, 'network', key),
    isSettling: () => options.isSettling(),
    writeStatus: async (key, status, { signal }) => {
      const stored = networks.get(key)
      if (stored === undefined) return 'gone'
      if (schema.problem() !== undefined) return 'pruned'
      try {
        if ((await apply(stored, status, signal)) === 'written') return 'written'
      } catch (error) {
        // A CRD without the status subresource answers 404 as well.
        if (!isKubeError(error, 404)) throw error
        if (!(await isThere(key, signal))) return 'gone'
      }
      schema.pruned()
      return 'pruned'
    },
    tell: (key, event) => {
      const stored = networks.get(key)
      if (stored === undefined) return
      const about = { apiVersion: apiVersionOf(networkResource), kind: networkResource.kind, metadata: stored.metadata }
      options.events.record({ about, action: 'Render', ...event })
    },
  }
}

/** Every node with Plexus installed, also those whose agent is away: they shall have the network, too. */
function factsOf({ rulings, nodes }: KubeNetworksOptions): readonly RenderFacts[] {
  return rulings.installed().flatMap(({ node: name, ruling }) => {
    const node = nodes.get(name)
    if (node === undefined) return []
    return [{ node: { name, labels: node.labels, annotations: node.annotations }, profileParameters: ruling.parameters }]
  })
}

function podsOf({ nodeNetworks }: KubeNetworksOptions, key: string): number {
  return nodeNetworks.byIndex('network', key).reduce((sum, { pods }) => sum + (pods.get(key) ?? 0), 0)
}
