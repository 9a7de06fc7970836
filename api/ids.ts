// Decides which strings may name a node, a sandbox, an interface or a network. Never touches the system.

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

/** Kubernetes node name (DNS-1123 subdomain, at most 253 characters). */
export type NodeName = Branded<'NodeName'>
/** Sandbox id as the runtime passes it in CNI_CONTAINERID. Safe as a file name. */
export type ContainerId = Branded<'ContainerId'>
/** Linux interface name, 1 to 15 bytes. */
export type IfName = Branded<'IfName'>
/** `namespace/name` of a NetworkAttachmentDefinition. */
export type NetworkKey = Branded<'NetworkKey'>

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const CNI_ID = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

/** Parses a node name; undefined when the API server would refuse it. */
export function parseNodeName(text: string): NodeName | undefined {
  return text.length <= 253 && DNS_SUBDOMAIN.test(text) ? (text as NodeName) : undefined
}

/** Parses CNI_CONTAINERID by the CNI spec's pattern; bounded to what fits a file name with our suffixes. */
export function parseContainerId(text: string): ContainerId | undefined {
  return text.length <= 200 && CNI_ID.test(text) ? (text as ContainerId) : undefined
}

/** Parses an interface name by the kernel's rules (CNI spec, `CNI_IFNAME`). */
export function parseIfName(text: string): IfName | undefined {
  if (text.length === 0 || text.length > 15 || text === '.' || text === '..') return undefined
  return /[/:\s]/.test(text) ? undefined : (text as IfName)
}

/** Builds `namespace/name`; undefined when either part cannot name an object. */
export function networkKey(namespace: string, name: string): NetworkKey | undefined {
  if (namespace.length > 63 || !DNS_LABEL.test(namespace)) return undefined
  return name.length <= 253 && DNS_SUBDOMAIN.test(name) ? (`${namespace}/${name}` as NetworkKey) : undefined
}

/** Parses `namespace/name`. */
export function parseNetworkKey(text: string): NetworkKey | undefined {
  const [namespace, name, ...rest] = text.split('/')
  return namespace === undefined || name === undefined || rest.length > 0 ? undefined : networkKey(namespace, name)
}
