// Decides what is read to explain one pod: the pod, its node, the profile that rules it, its networks and its events. Never explains.
import { PlexusError } from '#api/errors'
import { parseNetworkConfig } from '#api/cni/config'
import { RESOURCE_NAME_KEY } from '#api/annotations/keys'
import { sentenceOf } from '#api/json'
import type { NodeNetworkProfile } from '#api/kinds/node-network-profile'
import type { NodeNetwork } from '#api/kinds/node-network'
import type { NetworkAttachmentDefinition } from '#api/kinds/network-attachment-definition'
import { forbiddenPlaceholder, renderForNode } from '#api/render'
import type { KubeReader } from '#kube/client'
import { nameOf } from '#kube/resource'
import type { LookedUp } from '#node-agent/attach/plan-attachments'
import { chooseProfile } from '#operator/controllers/profiles/choose-profile'
import { networksIn, resolve } from './check-pod.ts'
import {
  events,
  listAll,
  namespaces,
  networks,
  nodeNetworks,
  nodes,
  pods,
  profiles,
  type SeenEvent,
  type SeenNode,
  type SeenPod,
} from './cluster.ts'

/** Everything that decides what a pod gets, as the API server has it now. */
export interface PodFacts {
  readonly pod: SeenPod
  /** Undefined: the pod is not scheduled yet. */
  readonly node: SeenNode | undefined
  readonly nodeNetwork: NodeNetwork | undefined
  readonly profile: NodeNetworkProfile | undefined
  /** Labels of the pod's namespace. */
  readonly namespaceLabels: Readonly<Record<string, string>>
  /** By `namespace/name`, rendered for the pod's node. */
  readonly networks: ReadonlyMap<string, LookedUp>
  /** Of this pod, oldest first. */
  readonly events: readonly SeenEvent[]
}

/** Reads it; throws `UnknownContainer` when there is no such pod, KubeError when the API server does not answer. */
export async function gatherPod(client: KubeReader, name: string, namespace: string): Promise<PodFacts> {
  const pod = await client.get(pods, { name, namespace })
  if (pod === undefined) {
    throw new PlexusError('UnknownContainer', `pod ${namespace}/${name} does not exist; name another one, or its namespace with -n`)
  }
  const { nodeName } = pod.spec
  const [node, nodeNetwork, allProfiles, seen, space] = await Promise.all([
    nodeName === '' ? undefined : client.get(nodes, { name: nodeName }),
    nodeName === '' ? undefined : client.get(nodeNetworks, { name: nodeName }).catch(() => undefined),
    listAll(client, profiles),
    listAll(client, events, { namespace, fieldSelector: `involvedObject.name=${name}` }),
    client.get(namespaces, { name: namespace }),
  ])
  const namespaceLabels = space?.metadata.labels ?? {}
  const profile = chooseProfile(node?.metadata.labels ?? {}, allProfiles)
  const { uid } = pod.metadata
  return {
    pod,
    node,
    nodeNetwork,
    profile,
    namespaceLabels,
    networks: await networksOf(client, { pod, node, profile, namespaceLabels }),
    events: seen.filter((event) => event.uid === uid || event.uid === '').toSorted((a, b) => (a.at < b.at ? -1 : 1)),
  }
}

async function networksOf(
  client: KubeReader,
  { pod, node, profile, namespaceLabels }: Pick<PodFacts, 'pod' | 'node' | 'profile' | 'namespaceLabels'>,
): Promise<ReadonlyMap<string, LookedUp>> {
  if (profile === undefined) return new Map()
  const requested = resolve({ ...pod.metadata, namespaceLabels, profile: profile.spec, networks: new Map() })
  if (!requested.ok) return new Map()
  return new Map(
    await Promise.all(
      networksIn(requested).map(async ({ key, nad }) => {
        const found = nad === undefined ? undefined : await client.get(networks, nameOf(nad))
        if (found !== undefined) return [key, lookedUp(found, node, profile)] as const
        const message = 'a file of the node may define it, which only its agent sees'
        return [key, nad === undefined ? { state: 'unknown' as const, message } : { state: 'missing' as const }] as const
      }),
    ),
  )
}

/** A network as the agent of the node gets it. */
function lookedUp(
  { metadata, spec }: NetworkAttachmentDefinition,
  node: SeenNode | undefined,
  { spec: profile }: NodeNetworkProfile,
): LookedUp {
  const { config = '' } = spec
  const resourceName = metadata.annotations[RESOURCE_NAME_KEY]
  // An empty spec stands for a file of the node, which only its agent sees.
  const text = config.trim() === '' ? `{"type": "a-file-of-the-node"}` : config
  const parsed = parseNetworkConfig(text, { path: 'spec.config', name: metadata.name })
  if (!parsed.ok) return { state: 'rejected', message: sentenceOf(parsed) }
  const forbidden = forbiddenPlaceholder(parsed.config)
  const facts = node === undefined ? undefined : { node: node.metadata, profileParameters: profile.parameters }
  const rendered = forbidden ?? (facts === undefined ? parsed : renderForNode(parsed.config, facts))
  if (!rendered.ok) return { state: 'rejected', message: sentenceOf(rendered) }
  return { state: 'usable', config: rendered.config, ...(resourceName !== undefined && { resourceName }) }
}
