// Decides the names, columns and categories of our kinds as `kubectl` shows them. The one list from which CRDs are generated.
import type { z } from 'zod'
import { networkAttachmentDefinition } from '#api/kinds/network-attachment-definition'
import { nodeNetwork } from '#api/kinds/node-network'
import { nodeNetworkProfile } from '#api/kinds/node-network-profile'

/** A column of `kubectl get`; `wide` ones show with `-o wide` only. */
export interface Column {
  readonly name: string
  readonly path: string
  readonly type?: 'string' | 'integer' | 'date'
  readonly wide?: true
}

/** All that a CRD says beside its schema. */
export interface Definition {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly scope: 'Cluster' | 'Namespaced'
  readonly description: string
  readonly schema: z.ZodObject
  /** `false`: the kind is shared with others, so the API server must not add defaults to users' objects. */
  readonly defaults: boolean
  /** Paths whose length is somebody else's decision. */
  readonly unbounded: readonly string[]
  readonly columns: readonly Column[]
}

const ready = (field: 'status' | 'reason' | 'message'): string => `.status.conditions[?(@.type=="Ready")].${field}`
const age: Column = { name: 'Age', path: '.metadata.creationTimestamp', type: 'date' }
const why: readonly Column[] = [
  { name: 'Reason', path: ready('reason'), wide: true },
  { name: 'Message', path: ready('message'), wide: true },
]

/** The standard kind. Its spec is upstream's; status and columns are additions that no client of the upstream kind sees. */
export const networkAttachmentDefinitionCrd: Definition = {
  group: 'k8s.cni.cncf.io',
  version: 'v1',
  kind: 'NetworkAttachmentDefinition',
  plural: 'network-attachment-definitions',
  singular: 'network-attachment-definition',
  shortNames: ['net-attach-def', 'nad'],
  scope: 'Namespaced',
  description: 'A network that pods can be attached to, as specified by the Network Plumbing Working Group.',
  schema: networkAttachmentDefinition,
  defaults: false,
  unbounded: ['spec.config'],
  columns: [
    { name: 'Type', path: '.status.type' },
    { name: 'IPAM', path: '.status.ipam' },
    { name: 'Ready', path: ready('status') },
    { name: 'Nodes', path: '.status.nodes.summary' },
    { name: 'Pods', path: '.status.pods', type: 'integer' },
    age,
    ...why,
    { name: 'CNIVersion', path: '.status.cniVersion', wide: true },
  ],
}

export const nodeNetworkProfileCrd: Definition = {
  group: 'plexus.dev',
  version: 'v1alpha1',
  kind: 'NodeNetworkProfile',
  plural: 'nodenetworkprofiles',
  singular: 'nodenetworkprofile',
  shortNames: [],
  scope: 'Cluster',
  description: 'What Plexus does on a group of nodes. The highest priority that matches a node wins, then the oldest.',
  schema: nodeNetworkProfile,
  defaults: true,
  unbounded: [],
  columns: [
    { name: 'State', path: '.spec.state' },
    { name: 'Primary', path: '.spec.primary.source' },
    { name: 'Priority', path: '.spec.priority', type: 'integer' },
    { name: 'Ready', path: ready('status') },
    { name: 'Nodes', path: '.status.nodes.summary' },
    age,
    ...why,
  ],
}

export const nodeNetworkCrd: Definition = {
  group: 'plexus.dev',
  version: 'v1alpha1',
  kind: 'NodeNetwork',
  plural: 'nodenetworks',
  singular: 'nodenetwork',
  shortNames: [],
  scope: 'Cluster',
  description: 'What the agent of the node of the same name observed. Written by that agent only.',
  schema: nodeNetwork,
  defaults: true,
  unbounded: [],
  columns: [
    { name: 'Agent', path: '.status.agentVersion' },
    { name: 'Primary', path: '.status.primary.name' },
    { name: 'Conf', path: '.status.conf.path' },
    { name: 'Pods', path: '.status.sandboxes.attached', type: 'integer' },
    { name: 'Ready', path: ready('status') },
    age,
    ...why,
    { name: 'Profile', path: '.status.profile', wide: true },
    { name: 'Revision', path: '.status.revision', wide: true },
  ],
}

export const DEFINITIONS: readonly Definition[] = [networkAttachmentDefinitionCrd, nodeNetworkProfileCrd, nodeNetworkCrd]
