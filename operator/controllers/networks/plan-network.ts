// Decides what every node gets of one NetworkAttachmentDefinition. Pure: no clock, no I/O, no Kubernetes client.
import { type NetworkConfig, parseNetworkConfig } from '#api/cni/config'
import type { NetworkMarks } from '#api/annotations/network-marks'
import { sentenceOf } from '#api/json'
import { forbiddenPlaceholder, hasPlaceholders, type RenderFacts, renderForNode } from '#api/render'
import type { NodeNetworkObject } from '#api/stream'

/** What the controller saw. */
export interface NetworkObservation {
  /** The NAD's name: also the network's, when the config has none. */
  readonly name: string
  readonly uid: string
  readonly generation: number
  /** `spec.config` as the user wrote it; undefined or empty: the node's own conf of that name. */
  readonly config: string | undefined
  /** `k8s.v1.cni.cncf.io/resourceName`. */
  readonly resourceName: string | undefined
  /** What its other annotations say. */
  readonly marks?: NetworkMarks
  /** Nodes with Plexus installed. */
  readonly nodes: readonly RenderFacts[]
}

/** Columns of the NAD's status that come from the config alone. */
export interface NetworkTraits {
  readonly type?: string
  readonly ipam?: string
  readonly cniVersion?: string
}

/** Why a node cannot have the network. */
export interface Lack {
  readonly node: string
  readonly message: string
}

/** What to do next. `objects` holds one entry per node in both cases: a refused network is sent too, with its reason. */
export type NetworkPlan =
  | { readonly kind: 'rejected'; readonly message: string; readonly objects: ReadonlyMap<string, NodeNetworkObject> }
  | {
      readonly kind: 'publish'
      readonly objects: ReadonlyMap<string, NodeNetworkObject>
      readonly traits: NetworkTraits
      readonly lacking: readonly Lack[]
    }

/** Plans one network. Never throws: whatever the user wrote ends in `rejected` with a sentence that says what to change. */
export function planNetwork(seen: NetworkObservation): NetworkPlan {
  if (seen.config === undefined || seen.config.trim() === '')
    return publish(seen, () => ({ ok: true, object: usable(seen, undefined) }), {})
  const parsed = parseNetworkConfig(seen.config, { path: 'spec.config', name: seen.name })
  const refusal = parsed.ok ? forbiddenPlaceholder(parsed.config) : parsed
  if (!parsed.ok || refusal !== undefined) return reject(seen, refusal === undefined ? '' : sentenceOf(refusal))
  const { config } = parsed
  if (hasPlaceholders(config)) return publish(seen, (facts) => objectFor(seen, config, facts), traitsOf(config))
  // One object for all nodes: it is compared and sent as the same bytes.
  const object = usable(seen, config)
  return publish(seen, () => ({ ok: true, object }), traitsOf(config))
}

type ForNode =
  | { readonly ok: true; readonly object: NodeNetworkObject }
  | { readonly ok: false; readonly object: NodeNetworkObject; readonly message: string }

function publish(seen: NetworkObservation, forNode: (facts: RenderFacts) => ForNode, traits: NetworkTraits): NetworkPlan {
  const objects = new Map<string, NodeNetworkObject>()
  const lacking: Lack[] = []
  for (const facts of seen.nodes) {
    const planned = forNode(facts)
    objects.set(facts.node.name, planned.object)
    if (!planned.ok) lacking.push({ node: facts.node.name, message: planned.message })
  }
  return { kind: 'publish', objects, traits, lacking }
}

function objectFor(seen: NetworkObservation, config: NetworkConfig, facts: RenderFacts): ForNode {
  const rendered = renderForNode(config, facts)
  if (rendered.ok) return { ok: true, object: usable(seen, rendered.config) }
  const message = sentenceOf(rendered)
  return { ok: false, message, object: refused(seen, message) }
}

function reject(seen: NetworkObservation, message: string): NetworkPlan {
  const object = refused(seen, message)
  return { kind: 'rejected', message, objects: new Map(seen.nodes.map(({ node }) => [node.name, object])) }
}

function usable({ uid, generation, resourceName, marks }: NetworkObservation, config: NetworkConfig | undefined): NodeNetworkObject {
  return {
    state: 'usable',
    uid,
    generation,
    ...(resourceName === undefined ? {} : { resourceName }),
    ...marks,
    ...(config === undefined ? {} : { config }),
  }
}

function refused({ uid, generation }: NetworkObservation, message: string): NodeNetworkObject {
  return { state: 'rejected', uid, generation, message }
}

/** TYPE is the first plugin's, IPAM that of the first plugin which has one. */
function traitsOf({ plugins, cniVersion }: NetworkConfig): NetworkTraits {
  const type = plugins[0]?.type
  const ipam = plugins.find(({ ipamType }) => ipamType !== undefined)?.ipamType
  return { cniVersion, ...(type === undefined ? {} : { type }), ...(ipam === undefined ? {} : { ipam }) }
}
