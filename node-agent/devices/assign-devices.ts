// Decides which attachment of a pod gets which of its devices: one per network that hands out the resource, in the order of attachment. Pure.
import type { RequestedNetwork } from '../attach/requested-network.ts'
import type { DeviceIds } from './device-ids.ts'

/** The device of one attachment. */
export interface GivenDevice {
  readonly id: string
  /** Absent when the annotation named the device: no device plugin knows it. */
  readonly resource?: string
}

/** What an element asks for together with what its network says. */
export interface DeviceRequest {
  readonly selection: RequestedNetwork
  /** `k8s.v1.cni.cncf.io/resourceName` of the network. */
  readonly resourceName: string | undefined
}

/** Devices by element. An element that should have one but is not in the map gets none: see `noDevice`. */
export type GivenDevices = ReadonlyMap<RequestedNetwork, GivenDevice>

/**
 * A device of the pod goes before the annotation's `deviceID` (spec/attachments 1.8, 1.10). A device that one element named and the pod
 * holds is still handed out in order: the kubelet's word counts.
 */
export function assignDevices(requests: readonly DeviceRequest[], devices: DeviceIds): GivenDevices {
  const used = new Map<string, number>()
  const given = new Map<RequestedNetwork, GivenDevice>()
  for (const { selection, resourceName } of requests) {
    const next = resourceName === undefined ? undefined : devices.get(resourceName)?.[used.get(resourceName) ?? 0]
    if (resourceName !== undefined && next !== undefined) {
      used.set(resourceName, (used.get(resourceName) ?? 0) + 1)
      given.set(selection, { id: next, resource: resourceName })
    } else if (selection.deviceId !== undefined && selection.deviceId !== '') {
      given.set(selection, { id: selection.deviceId })
    }
  }
  return given
}

/** The sentence for a network whose resource the pod has too few devices of. */
export function noDevice(asked: {
  readonly path: string
  readonly network: string
  readonly pod: string
  readonly resource: string
  /** How many the pod has. */
  readonly held: number
}): string {
  const { path, network, pod, resource, held } = asked
  const has = held === 0 ? 'has no device' : `has only ${held} ${held === 1 ? 'device' : 'devices'}`
  const remedy = `let a container request "${resource}": ${held + 1} or more, or set "deviceID"`
  return `${path}: network ${network} needs a device of "${resource}", of which pod ${pod} ${has}; ${remedy}`
}

/** Devices that no attachment holds yet: what an interface added to a running pod may get. */
export function withoutTaken(devices: DeviceIds, taken: readonly (GivenDevice | undefined)[]): DeviceIds {
  const held = new Set(taken.map((device) => `${device?.resource} ${device?.id}`))
  return new Map([...devices].map(([resource, ids]) => [resource, ids.filter((id) => !held.has(`${resource} ${id}`))]))
}
