// Decides what a pod gets by the rules of the TKE fork, where one list names the primary too. Never touches the other annotations.
import { DEFAULT_NETWORK_KEY, TKE_NETWORKS_KEY } from '#api/annotations/keys'
import { nameTkeInterfaces } from '#api/annotations/naming'
import { parseSelections, parseTkeNetworks } from '#api/annotations/networks'
import type { NetworkSelection, NetworksOutcome } from '#api/annotations/selection'
import { isolationViolation } from '#api/isolation'
import { sentenceOf } from '#api/json'
import { allOrRefusal, isRefusal, keyed, type Refusal, refuse, type RequestedNetwork, type RequestInput } from './requested-network.ts'

export interface TkeNetworks {
  /** Who takes the runtime's interface. */
  readonly primary?: RequestedNetwork
  /** The others in list order, each with its interface's name. */
  readonly further: readonly RequestedNetwork[]
  readonly warnings: readonly string[]
}

const NOTHING: TkeNetworks = { further: [], warnings: [] }

/** Whether an annotation says anything. */
export function isAsked(annotation: string | undefined): boolean {
  return (annotation ?? '').trim() !== ''
}

/** The pod's TKE annotation, else the profile's `defaultDelegates`; both name confs of the node first, then NetworkAttachmentDefinitions. */
export function tkeNetworks(input: RequestInput): TkeNetworks | Refusal {
  const { annotations, profile, podNamespace } = input
  const overridden = isAsked(annotations[DEFAULT_NETWORK_KEY])
  const written = annotations[TKE_NETWORKS_KEY] ?? ''
  if (!isAsked(written)) {
    if (overridden || profile.defaultDelegates === '') return NOTHING
    const { networkNamespace: namespace, defaultDelegates } = profile
    return named(parseSelections(defaultDelegates, { key: 'defaultDelegates', namespace }), namespace, input)
  }
  if (overridden) {
    const sentence = `${TKE_NETWORKS_KEY}: it names the primary network, and so does ${DEFAULT_NETWORK_KEY}; remove one of the two`
    return refuse('InvalidAnnotation', sentence)
  }
  const parsed = parseTkeNetworks(written, { namespace: podNamespace })
  // A conf of the node has no namespace: what the administrator put there is for every pod, as in the fork.
  const violation = parsed.ok ? firstViolation(parsed.networks, input) : undefined
  return violation ?? named(parsed, podNamespace, input)
}

function firstViolation(selections: readonly NetworkSelection[], { podNamespace, profile }: RequestInput): Refusal | undefined {
  for (const selection of selections) {
    const violation = isolationViolation(selection, podNamespace, profile)
    if (violation !== undefined) return refuse('IsolationViolated', violation)
  }
  return undefined
}

/** Names interfaces as the fork does. An element that names a namespace of its own means a NetworkAttachmentDefinition. */
function named(parsed: NetworksOutcome, ownNamespace: string, { ifName = 'eth0' }: RequestInput): TkeNetworks | Refusal {
  if (!parsed.ok) return refuse('InvalidAnnotation', sentenceOf(parsed))
  const names = nameTkeInterfaces(parsed.networks, ifName)
  if (!names.ok) return refuse('InvalidAnnotation', sentenceOf(names))
  const networks = allOrRefusal(
    parsed.networks.map((selection, index) =>
      keyed({ ...selection, ifName: names.names[index] ?? ifName }, selection.namespace === ownNamespace ? 'first' : undefined),
    ),
  )
  if (isRefusal(networks)) return networks
  const primary = networks[names.primary]
  return {
    ...(primary === undefined ? {} : { primary }),
    further: networks.filter((_, index) => index !== names.primary),
    warnings: parsed.warnings,
  }
}
