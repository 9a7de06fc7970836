// Decides in which order the devices of a pod are handed out: sorted per resource, each once. Pure.

/** Resource name, such as `intel.com/sriov`, → ids of the pod's devices, sorted (as OVN-Kubernetes and Multus 4.3 sort them). */
export type DeviceIds = ReadonlyMap<string, readonly string[]>

/** What one container, or one claim, got. */
export interface Granted {
  readonly resource: string
  readonly ids: readonly string[]
}

/** Init containers share devices with others of the pod: an id counts once. */
export function deviceIds(granted: readonly Granted[]): DeviceIds {
  const byResource = new Map<string, Set<string>>()
  for (const { resource, ids } of granted) {
    const known = byResource.get(resource) ?? new Set<string>()
    for (const id of ids) if (id !== '') known.add(id)
    byResource.set(resource, known)
  }
  return new Map([...byResource].filter(([, ids]) => ids.size > 0).map(([resource, ids]) => [resource, [...ids].toSorted()]))
}
