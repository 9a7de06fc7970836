// Decides which default networks a pod gets: those of the profile and those of its namespace. Never subject to isolation: the administrator chose them.
import type { NetworkSelection } from '#api/annotations/selection'
import { matchesLabels } from '#api/kinds/label-selector'
import type { ProfileSpec } from '#api/kinds/node-network-profile'
import { allOrRefusal, isRefusal, keyed, type Refusal, refuse, type RequestedNetwork, type RequestInput } from './requested-network.ts'

/** Default networks in the order of the profile, each once. */
export function defaultNetworks(input: RequestInput): readonly RequestedNetwork[] | Refusal {
  const { podNamespace, profile, namespaceLabels } = input
  if (profile.systemNamespaces.includes(podNamespace)) return []
  if (profile.namespaceDefaults.length > 0 && namespaceLabels === undefined) {
    const sentence = `namespace "${podNamespace}": its labels are not known on this node yet, and the profile gives default networks by them; kubelet tries again by itself`
    return refuse('TryAgainLater', sentence)
  }
  const networks = allOrRefusal([
    ...profile.defaultNetworks.map((written, index) => defaultNetwork(written, `defaultNetworks[${index}]`, profile)),
    ...namespaceDefaults(profile, namespaceLabels ?? {}),
  ])
  if (isRefusal(networks)) return networks
  return networks.filter(({ key }, index) => networks.findIndex((other) => other.key === key) === index)
}

function namespaceDefaults(profile: ProfileSpec, labels: Readonly<Record<string, string>>): readonly (RequestedNetwork | Refusal)[] {
  return profile.namespaceDefaults.flatMap(({ selector, networks }, rule) => {
    if (!matchesLabels(selector, labels)) return []
    return networks.map((written, index) => defaultNetwork(written, `namespaceDefaults[${rule}].networks[${index}]`, profile))
  })
}

/** A path is a file of the node; a bare name is a network of `networkNamespace`, else a conf of that name (spec/attachments 1.6). */
function defaultNetwork(written: string, path: string, profile: ProfileSpec): RequestedNetwork | Refusal {
  if (written.startsWith('/')) {
    return {
      namespace: profile.networkNamespace,
      name: written,
      path,
      required: true,
      key: written,
      conf: { name: written, order: 'first' },
    }
  }
  const [first = '', second] = written.split('/')
  const [namespace, name] = second === undefined ? [profile.networkNamespace, first] : [first, second]
  const selection: NetworkSelection = { namespace, name, path, required: true }
  return keyed(selection, second === undefined ? 'last' : undefined)
}
