// Decides how one requested network is named and where it may be defined, and the form of a refusal. Pure; the lists are made elsewhere.
import type { NetworkSelection } from '#api/annotations/selection'
import type { ErrorCode } from '#api/errors'
import { type NetworkKey, networkKey } from '#api/ids'
import type { ProfileSpec } from '#api/kinds/node-network-profile'

/** Why an ADD cannot be planned: a name of the registry and the sentence for the user. */
export interface Refusal {
  readonly ok: false
  readonly code: ErrorCode
  readonly sentence: string
}

export const refuse = (code: ErrorCode, sentence: string): Refusal => ({ ok: false, code, sentence })

/** A conf file of the node that may define a network, before or after a NetworkAttachmentDefinition is looked for. */
export interface ConfPlace {
  /** JSON `name` of the conf, or the absolute path of a conf or of a directory of confs. */
  readonly name: string
  readonly order: 'first' | 'last'
}

/** A selection with the places where its network is defined: at least one of `nad` and `conf`. */
export interface RequestedNetwork extends NetworkSelection {
  /** Identity among the networks of a pod, and the name in network-status unless a conf gives another. */
  readonly key: string
  readonly nad?: NetworkKey
  readonly conf?: ConfPlace
}

/** Everything that decides which networks a pod asks for. */
export interface RequestInput {
  readonly annotations: Readonly<Record<string, string>>
  readonly podNamespace: string
  readonly profile: ProfileSpec
  /** CNI_IFNAME; eth0 unless told. */
  readonly ifName?: string
  /** Labels of the pod's namespace; needed when the profile has defaults by namespace. */
  readonly namespaceLabels?: Readonly<Record<string, string>> | undefined
  /** Networks that stand for a Neutron subnet. */
  networksOfSubnet?(subnet: string): readonly NetworkKey[]
}

export function isRefusal(outcome: object): outcome is Refusal {
  return 'code' in outcome
}

/** The selection with the network it names; `fallback` also lets a conf of that name on the node define it. */
export function keyed(selection: NetworkSelection, fallback?: ConfPlace['order']): RequestedNetwork | Refusal {
  const { namespace, name, path } = selection
  const nad = networkKey(namespace, name)
  if (nad === undefined) {
    return refuse('InvalidAnnotation', `${path}: "${namespace}/${name}" cannot name a NetworkAttachmentDefinition; write [namespace/]name`)
  }
  return { ...selection, key: nad, nad, ...(fallback === undefined ? {} : { conf: { name, order: fallback } }) }
}

/** All of them, or the first refusal. */
export function allOrRefusal(networks: readonly (RequestedNetwork | Refusal)[]): readonly RequestedNetwork[] | Refusal {
  const read: RequestedNetwork[] = []
  for (const network of networks) {
    if (isRefusal(network)) return network
    read.push(network)
  }
  return read
}
