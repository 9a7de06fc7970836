// Decides how NodeNetwork reaches the API server: applied by the agent of the node, owned by the Node. Never decides what it says.
import { type NodeNetwork, nodeNetwork } from '#api/kinds/node-network'
import type { Condition } from '#kube/conditions'
import type { KubeReader, KubeWriter } from '#kube/client'
import { isKubeError } from '#kube/kube-error'
import type { KubeObject, Resource } from '#kube/resource'
import type { NodeReport } from './plan-node-status.ts'

/** The NodeNetwork of one node. All calls throw KubeError. */
export interface NodeNetworks {
  get(signal: AbortSignal): Promise<NodeNetwork | undefined>
  /** Creates it, or takes its ownership over for a Node that was registered anew. */
  ensure(nodeUid: string, signal: AbortSignal): Promise<NodeNetwork>
  /** Applies the whole status; undefined when the object is gone. */
  applyStatus(
    status: NodeReport['status'] & { readonly conditions: readonly Condition[] },
    signal: AbortSignal,
  ): Promise<NodeNetwork | undefined>
}

const FIELD_MANAGER = 'plexus-agent'
const CALL_MS = 10_000

const resource: Resource<NodeNetwork> = {
  group: 'plexus.dev',
  version: 'v1alpha1',
  kind: 'NodeNetwork',
  plural: 'nodenetworks',
  namespaced: false,
  parse: (value) => nodeNetwork.parse(value),
}

/** Opens the adapter. */
export function openNodeNetworks(options: { readonly client: KubeReader & KubeWriter; readonly node: string }): NodeNetworks {
  const { client, node: name } = options
  const how = { fieldManager: FIELD_MANAGER, force: true, deadlineMs: CALL_MS }
  return {
    get: (signal) => client.get(resource, { name }, { deadlineMs: CALL_MS, signal }),
    ensure: (uid, signal) => {
      const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid }]
      return client.apply(resource, { metadata: { name, ownerReferences } }, { ...how, signal })
    },
    applyStatus: async (status, signal) => {
      try {
        return await client.apply(resource, { metadata: { name }, status }, { ...how, signal, subresource: 'status' })
      } catch (error) {
        if (isKubeError(error, 404)) return undefined
        throw error
      }
    },
  }
}

/** The object as events name it. */
export function aboutNodeNetwork({ metadata }: NodeNetwork): KubeObject {
  return { apiVersion: 'plexus.dev/v1alpha1', kind: 'NodeNetwork', metadata: { name: metadata.name, uid: metadata.uid } }
}
