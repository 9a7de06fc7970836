// Decides what the operator keeps of each kind that it watches: only what its planners read. Never sends anything.
import { z } from 'zod'
import { objectMeta } from '#api/kinds/meta'
import { networkAttachmentDefinition, type NetworkAttachmentDefinition } from '#api/kinds/network-attachment-definition'
import { nodeNetwork, type NodeNetworkStatus } from '#api/kinds/node-network'
import { nodeNetworkProfile, type NodeNetworkProfile } from '#api/kinds/node-network-profile'
import type { KubeObject, Resource } from '#kube/resource'

/** A node, without its conditions, images and addresses: those change every few minutes and decide nothing here. */
export interface NodeSeen extends KubeObject {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** What an agent reported, without files. */
export interface NodeNetworkSeen extends KubeObject {
  readonly profile: string | undefined
  readonly ready: boolean
  /** Pods per `namespace/name`. */
  readonly pods: ReadonlyMap<string, number>
}

export interface NamespaceSeen extends KubeObject {
  readonly labels: Readonly<Record<string, string>>
}

/** What the served CRD of NetworkAttachmentDefinition says about our status columns. */
export interface NetworkSchemaSeen extends KubeObject {
  readonly servesStatus: boolean
  /** Who installed the CRD, as far as its labels and annotations tell. */
  readonly installer: string
}

export const NETWORK_CRD = 'network-attachment-definitions.k8s.cni.cncf.io'

export const networkResource: Resource<NetworkAttachmentDefinition> = {
  group: 'k8s.cni.cncf.io',
  version: 'v1',
  kind: 'NetworkAttachmentDefinition',
  plural: 'network-attachment-definitions',
  namespaced: true,
  parse: (value) => networkAttachmentDefinition.parse(value),
}

export const profileResource: Resource<NodeNetworkProfile> = {
  group: 'plexus.dev',
  version: 'v1alpha1',
  kind: 'NodeNetworkProfile',
  plural: 'nodenetworkprofiles',
  namespaced: false,
  parse: (value) => nodeNetworkProfile.parse(value),
}

export const nodeNetworkResource: Resource<NodeNetworkSeen> = {
  group: 'plexus.dev',
  version: 'v1alpha1',
  kind: 'NodeNetwork',
  plural: 'nodenetworks',
  namespaced: false,
  parse: (value) => {
    const { metadata, status } = nodeNetwork.parse(value)
    return { metadata: slim(metadata), profile: status?.profile, ready: isReady(status), pods: podsOf(status) }
  },
}

export const nodeResource: Resource<NodeSeen> = {
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  namespaced: false,
  parse: (value) => {
    const { metadata } = z.object({ metadata: objectMeta }).parse(value)
    return { metadata: slim(metadata), labels: metadata.labels, annotations: metadata.annotations }
  },
}

export const namespaceResource: Resource<NamespaceSeen> = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
  parse: (value) => {
    const { metadata } = z.object({ metadata: objectMeta }).parse(value)
    return { metadata: slim(metadata), labels: metadata.labels }
  },
}

const crd = z.object({
  metadata: objectMeta,
  spec: z.object({
    versions: z.array(
      z.object({
        name: z.string(),
        subresources: z.object({ status: z.unknown() }).partial().optional(),
        schema: z.object({ openAPIV3Schema: z.object({ properties: z.record(z.string(), z.unknown()).optional() }).optional() }).optional(),
      }),
    ),
  }),
})

export const networkSchemaResource: Resource<NetworkSchemaSeen> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
  parse: (value) => {
    const { metadata, spec } = crd.parse(value)
    const served = spec.versions.find((version) => version.name === 'v1')
    const servesStatus = served?.subresources?.status !== undefined && served.schema?.openAPIV3Schema?.properties?.['status'] !== undefined
    return { metadata: slim(metadata), servesStatus, installer: installerOf(metadata) }
  },
}

type Meta = z.infer<typeof objectMeta>

/** Labels and annotations go where they are read; the rest of the metadata is a name and its versions. */
function slim({ name, namespace, uid, generation, resourceVersion, creationTimestamp }: Meta): KubeObject['metadata'] {
  return { name, uid, generation, resourceVersion, creationTimestamp, ...(namespace === undefined ? {} : { namespace }) }
}

function isReady(status: NodeNetworkStatus | undefined): boolean {
  return status?.conditions?.some(({ type, status: state }) => type === 'Ready' && state === 'True') ?? false
}

function podsOf(status: NodeNetworkStatus | undefined): ReadonlyMap<string, number> {
  return new Map(status?.networks?.map(({ network, pods }) => [network, pods]))
}

function installerOf({ labels, annotations }: Meta): string {
  const release = annotations['meta.helm.sh/release-name']
  if (release !== undefined) return `Helm release ${release}`
  return labels['app.kubernetes.io/managed-by'] ?? labels['app.kubernetes.io/name'] ?? 'another installer'
}
