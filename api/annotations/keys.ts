// Holds the annotation keys by which a pod asks for networks, and decides whether a pod asks at all. The shim uses it: no grammar here.

export const NETWORKS_KEY = 'k8s.v1.cni.cncf.io/networks'
export const DEFAULT_NETWORK_KEY = 'v1.multus-cni.io/default-network'
export const NETWORK_STATUS_KEY = 'k8s.v1.cni.cncf.io/network-status'
export const RESOURCE_NAME_KEY = 'k8s.v1.cni.cncf.io/resourceName'
export const TKE_NETWORKS_KEY = 'tke.cloud.tencent.com/networks'
export const TKE_STATUS_KEY = 'tke.cloud.tencent.com/networks-status'
/** Kuryr: a JSON list of Neutron subnet ids, one interface each. */
export const KURYR_SUBNETS_KEY = 'openstack.org/kuryr-additional-subnets'
/** Kuryr, on a NAD: `{"subnetId": "…"}` says which subnet the NAD stands for. */
export const KURYR_CONFIG_KEY = 'openstack.org/kuryr-config'

/** On a NAD: `Disabled` makes requests that no plugin of it can honour a warning, as for networks taken over from Multus. */
export const STRICT_CAPABILITIES_KEY = 'plexus.dev/strict-capabilities'

/** Value of `networks` with which a pod takes no default networks. */
export const OPT_OUT = 'none'

/** Every pod annotation that asks for a network. */
export const ATTACHMENT_ANNOTATIONS = [NETWORKS_KEY, DEFAULT_NETWORK_KEY, TKE_NETWORKS_KEY, KURYR_SUBNETS_KEY] as const

/** Whether the pod asks for nothing but the primary network. Default networks of profiles are not visible in its annotations. */
export function isPlain(annotations: Readonly<Record<string, unknown>>): boolean {
  return ATTACHMENT_ANNOTATIONS.every((key) => asksNothing(annotations[key], key))
}

/** Whether the pod wants no default networks. */
export function optsOut(annotations: Readonly<Record<string, unknown>>): boolean {
  const value = annotations[NETWORKS_KEY]
  return typeof value === 'string' && value.trim() === OPT_OUT
}

function asksNothing(value: unknown, key: string): boolean {
  if (value === undefined || value === '') return true
  return key === NETWORKS_KEY && typeof value === 'string' && value.trim() === OPT_OUT
}
