// Decides what plexusctl reads of a cluster: pods, nodes, events, networks, profiles and NodeNetworks. Only reads.
import { z } from 'zod'
import { stringMap } from '#api/kinds/meta'
import { networkAttachmentDefinition } from '#api/kinds/network-attachment-definition'
import { nodeNetwork } from '#api/kinds/node-network'
import { nodeNetworkProfile } from '#api/kinds/node-network-profile'
import type { KubeReader, Selection } from '#kube/client'
import { isKubeError } from '#kube/kube-error'
import type { Resource } from '#kube/resource'

const pod = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string(), uid: z.string().default(''), annotations: stringMap.default({}) }),
  spec: z.object({ nodeName: z.string().default(''), hostNetwork: z.boolean().default(false) }),
  status: z.object({ phase: z.string().default('Unknown') }).default({ phase: 'Unknown' }),
})
const node = z.object({ metadata: z.object({ name: z.string(), labels: stringMap.default({}), annotations: stringMap.default({}) }) })
const event = z.object({
  involvedObject: z.object({ uid: z.string().nullish() }),
  type: z.string().nullish(),
  reason: z.string().nullish(),
  message: z.string().nullish(),
  eventTime: z.string().nullish(),
  lastTimestamp: z.string().nullish(),
  series: z.object({ lastObservedTime: z.string().nullish() }).nullish(),
})

export type SeenPod = Readonly<z.infer<typeof pod>>
export type SeenNode = Readonly<z.infer<typeof node>>
/** An event, with the time at which it was last seen. */
export interface SeenEvent {
  readonly uid: string
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly at: string
}

const core = { group: '', version: 'v1' } as const
const ours = { group: 'plexus.dev', version: 'v1alpha1', namespaced: false } as const

export const pods: Resource<SeenPod> = { ...core, kind: 'Pod', plural: 'pods', namespaced: true, parse: (value) => pod.parse(value) }
export const nodes: Resource<SeenNode> = { ...core, kind: 'Node', plural: 'nodes', namespaced: false, parse: (value) => node.parse(value) }
export const namespaces: Resource<SeenNode> = {
  ...core,
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
  parse: (value) => node.parse(value),
}
export const events: Resource<SeenEvent> = { ...core, kind: 'Event', plural: 'events', namespaced: true, parse: parseEvent }
export const networks: Resource<z.infer<typeof networkAttachmentDefinition>> = {
  group: 'k8s.cni.cncf.io',
  version: 'v1',
  kind: 'NetworkAttachmentDefinition',
  plural: 'network-attachment-definitions',
  namespaced: true,
  parse: (value) => networkAttachmentDefinition.parse(value),
}
export const profiles: Resource<z.infer<typeof nodeNetworkProfile>> = {
  ...ours,
  kind: 'NodeNetworkProfile',
  plural: 'nodenetworkprofiles',
  parse: (value) => nodeNetworkProfile.parse(value),
}
export const nodeNetworks: Resource<z.infer<typeof nodeNetwork>> = {
  ...ours,
  kind: 'NodeNetwork',
  plural: 'nodenetworks',
  parse: (value) => nodeNetwork.parse(value),
}

function parseEvent(value: unknown): SeenEvent {
  const { involvedObject, type, reason, message, eventTime, lastTimestamp, series } = event.parse(value)
  return {
    uid: involvedObject.uid ?? '',
    type: type ?? '',
    reason: reason ?? '',
    message: message ?? '',
    at: series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? '',
  }
}

/** Every object that is selected; none when the cluster does not know the kind. */
export async function listAll<T>(
  client: Pick<KubeReader, 'list'>,
  resource: Resource<T>,
  selection: Selection = {},
): Promise<readonly T[]> {
  const items: T[] = []
  try {
    for await (const page of client.list(resource, selection)) items.push(...page.items)
  } catch (error) {
    if (!isKubeError(error, 404)) throw error
  }
  return items
}
