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

/** Parses an interface name (CNI spec, `CNI_IFNAME`). */
export function parseIfName(text: string): IfName | undefined {
  return ifNameProblem(text) === undefined ? (text as IfName) : undefined
}

/** Why this cannot name an interface; undefined when it can. The kernel's rules plus the CNI specification's. */
export function ifNameProblem(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (name.length > 15 || /[^\x20-\x7e]/.test(name)) return 'it is longer than 15 characters or holds one that is not ASCII'
  if (name === '.' || name === '..') return 'it is a directory'
  return /[\s/:]/.test(name) ? 'it holds a space, "/" or ":"' : undefined
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

/** The two parts of a key. */
export function splitNetworkKey(key: NetworkKey): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/')
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}
