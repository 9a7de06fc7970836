// Decides which networks a pod asks for, from its annotations and the node's profile, and whether it may. Pure; networks are looked up elsewhere.
import { DEFAULT_NETWORK_KEY, NETWORKS_KEY } from '#api/annotations/keys'
import { parseDefaultNetwork, parseNetworks } from '#api/annotations/networks'
import type { NetworkSelection } from '#api/annotations/selection'
import type { ErrorCode } from '#api/errors'
import { type NetworkKey, networkKey } from '#api/ids'
import { sentenceOf } from '#api/json'
import type { ProfileSpec } from '#api/kinds/node-network-profile'

/** Why an ADD cannot be planned: a name of the registry and the sentence for the user. */
export interface Refusal {
  readonly ok: false
  readonly code: ErrorCode
  readonly sentence: string
}

export const refuse = (code: ErrorCode, sentence: string): Refusal => ({ ok: false, code, sentence })

/** A selection with the parsed key of its network. */
export interface RequestedNetwork extends NetworkSelection {
  readonly key: NetworkKey
}

/** Networks of one pod in the order of attachment. */
export interface Requested {
  readonly ok: true
  /** `v1.multus-cni.io/default-network`: replaces the node's primary. */
  readonly primary?: RequestedNetwork
  /** Default networks, then those of the annotation. */
  readonly further: readonly RequestedNetwork[]
  readonly warnings: readonly string[]
}

export interface RequestInput {
  readonly annotations: Readonly<Record<string, string>>
  readonly podNamespace: string
  readonly profile: ProfileSpec
}

/** Reads the annotations (spec/attachments 1.8). All or nothing: one bad element refuses the pod. */
export function requestedNetworks(input: RequestInput): Requested | Refusal {
  const { annotations, podNamespace, profile } = input
  const networks = parseNetworks(annotations[NETWORKS_KEY] ?? '', { namespace: podNamespace })
  if (!networks.ok) return refuse('InvalidAnnotation', sentenceOf(networks))
  const override = parseDefaultNetwork(annotations[DEFAULT_NETWORK_KEY] ?? '', { namespace: profile.networkNamespace })
  if (!override.ok) return refuse('InvalidAnnotation', sentenceOf(override))
  const asked = [...override.networks, ...networks.networks]
  const foreign = asked.map((selection) => isolationProblem(selection, input)).find((problem) => problem !== undefined)
  if (foreign !== undefined) return foreign

  const defaults = networks.optOut ? [] : defaultNetworks(input)
  const further = keyed([...defaults, ...networks.networks])
  const primary = keyed(override.networks)
  if ('code' in further) return further
  if ('code' in primary) return primary
  const [first] = primary
  return { ok: true, ...(first === undefined ? {} : { primary: first }), further, warnings: [...networks.warnings, ...override.warnings] }
}

/** Keys of every network that must be looked up, each once. */
export function keysOf(requested: Requested): readonly NetworkKey[] {
  const all = requested.primary === undefined ? requested.further : [requested.primary, ...requested.further]
  return [...new Set(all.map(({ key }) => key))]
}

/** Default networks of the profile are the administrator's choice: isolation does not apply to them. */
function defaultNetworks({ podNamespace, profile }: RequestInput): readonly NetworkSelection[] {
  if (profile.systemNamespaces.includes(podNamespace)) return []
  return profile.defaultNetworks.map((written, index) => {
    const [first = '', second] = written.split('/')
    const [namespace, name] = second === undefined ? [profile.networkNamespace, first] : [first, second]
    return { namespace, name, path: `defaultNetworks[${index}]`, required: true }
  })
}

/** Why the pod may not use this network; undefined when it may. Every path by which a pod gets a network asks here. */
export function isolationProblem(selection: NetworkSelection, input: Pick<RequestInput, 'podNamespace' | 'profile'>): Refusal | undefined {
  return isAllowed(selection.namespace, input) ? undefined : isolationRefusal(selection, input)
}

function isAllowed(namespace: string, { podNamespace, profile }: Pick<RequestInput, 'podNamespace' | 'profile'>): boolean {
  if (profile.namespaceIsolation === 'Disabled') return true
  return namespace === podNamespace || profile.globalNamespaces.includes(namespace)
}

function isolationRefusal(selection: NetworkSelection, { podNamespace, profile }: Pick<RequestInput, 'podNamespace' | 'profile'>): Refusal {
  const allowed = [podNamespace, ...profile.globalNamespaces].map((name) => `"${name}"`).join(', ')
  const sentence = `${selection.path}: network ${selection.namespace}/${selection.name} is in another namespace than the pod (${podNamespace}), which namespaceIsolation forbids; use a network of ${allowed}`
  return refuse('IsolationViolated', sentence)
}

function keyed(selections: readonly NetworkSelection[]): RequestedNetwork[] | Refusal {
  const networks: RequestedNetwork[] = []
  for (const selection of selections) {
    const key = networkKey(selection.namespace, selection.name)
    if (key === undefined) {
      const written = `"${selection.namespace}/${selection.name}"`
      return refuse('InvalidAnnotation', `${selection.path}: ${written} cannot name a NetworkAttachmentDefinition; write [namespace/]name`)
    }
    networks.push({ ...selection, key })
  }
  return networks
}
