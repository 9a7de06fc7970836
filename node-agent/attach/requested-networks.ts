// Decides which networks a pod asks for, from its annotations and the node's profile, and whether it may. Pure; networks are looked up elsewhere.
import { DEFAULT_NETWORK_KEY, NETWORKS_KEY, TKE_NETWORKS_KEY } from '#api/annotations/keys'
import { parseDefaultNetwork, parseNetworks } from '#api/annotations/networks'
import type { NetworksOutcome } from '#api/annotations/selection'
import { isolationViolation } from '#api/isolation'
import { sentenceOf } from '#api/json'
import { defaultNetworks } from './default-networks.ts'
import { kuryrNetworks } from './kuryr-networks.ts'
import { allOrRefusal, isRefusal, keyed, type Refusal, refuse, type RequestedNetwork, type RequestInput } from './requested-network.ts'
import { isAsked, tkeNetworks } from './tke-networks.ts'

/** Networks of one pod in the order of attachment. */
export interface Requested {
  readonly ok: true
  /** `v1.multus-cni.io/default-network`, or who takes the primary's interface in the TKE form: replaces the node's primary. */
  readonly primary?: RequestedNetwork
  /** Default networks, then those of the annotations. */
  readonly further: readonly RequestedNetwork[]
  /** The pod asks in the TKE form. */
  readonly tke: boolean
  readonly warnings: readonly string[]
}

/** Reads the annotations (spec/attachments 1.8). All or nothing: one bad element refuses the pod. */
export function requestedNetworks(input: RequestInput): Requested | Refusal {
  const { annotations, podNamespace, profile } = input
  const networks = allowed(parseNetworks(annotations[NETWORKS_KEY] ?? '', { namespace: podNamespace }), input)
  if (isRefusal(networks)) return networks
  const override = allowed(parseDefaultNetwork(annotations[DEFAULT_NETWORK_KEY] ?? '', { namespace: profile.networkNamespace }), input)
  if (isRefusal(override)) return override
  const tke = tkeNetworks(input)
  if (isRefusal(tke)) return tke
  const defaults = networks.optOut ? [] : defaultNetworks(input)
  if (isRefusal(defaults)) return defaults
  const kuryr = kuryrNetworks(input)
  if (isRefusal(kuryr)) return kuryr
  const primary = override.networks[0] ?? tke.primary
  return {
    ok: true,
    ...(primary === undefined ? {} : { primary }),
    further: [...tke.further, ...defaults, ...networks.networks, ...kuryr],
    tke: isAsked(annotations[TKE_NETWORKS_KEY]),
    warnings: [...networks.warnings, ...override.warnings, ...tke.warnings],
  }
}

interface Annotated {
  readonly networks: readonly RequestedNetwork[]
  readonly optOut: boolean
  readonly warnings: readonly string[]
}

/** What an annotation of the pod's owner asks for: all of it must be allowed. */
function allowed(outcome: NetworksOutcome, { podNamespace, profile }: RequestInput): Annotated | Refusal {
  if (!outcome.ok) return refuse('InvalidAnnotation', sentenceOf(outcome))
  for (const selection of outcome.networks) {
    const violation = isolationViolation(selection, podNamespace, profile)
    if (violation !== undefined) return refuse('IsolationViolated', violation)
  }
  const networks = allOrRefusal(outcome.networks.map((selection) => keyed(selection)))
  return isRefusal(networks) ? networks : { networks, optOut: outcome.optOut, warnings: outcome.warnings }
}
