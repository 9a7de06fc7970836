// Decides which devices a kubelet's answer gives to one pod: the few fields we use of `v1.ListPodResourcesResponse`. Pure.
import { fieldsOf, textOf } from './protobuf.ts'
import { type DeviceIds, deviceIds } from './device-ids.ts'

/** Field numbers of k8s.io/kubelet/pkg/apis/podresources/v1. */
const LIST = { podResources: 1 } as const
const POD = { name: 1, namespace: 2, containers: 3 } as const
const CONTAINER = { devices: 2 } as const
const DEVICES = { resourceName: 1, deviceIds: 2 } as const

/** Devices of all containers of a pod; undefined when the answer does not name the pod. Throws ProtobufError. */
export function devicesInPodResources(
  message: Uint8Array,
  pod: { readonly namespace: string; readonly name: string },
): DeviceIds | undefined {
  for (const resources of all(message, LIST.podResources)) {
    if (text(resources, POD.name) !== pod.name || text(resources, POD.namespace) !== pod.namespace) continue
    const devices = all(resources, POD.containers).flatMap((container) => all(container, CONTAINER.devices))
    return deviceIds(
      devices.map((device) => ({ resource: text(device, DEVICES.resourceName), ids: all(device, DEVICES.deviceIds).map(textOf) })),
    )
  }
  return undefined
}

function all(message: Uint8Array, wanted: number): readonly Uint8Array[] {
  const found: Uint8Array[] = []
  for (const { number, bytes } of fieldsOf(message)) if (number === wanted && bytes !== undefined) found.push(bytes)
  return found
}

/** The last one counts, as protobuf says. */
function text(message: Uint8Array, wanted: number): string {
  const last = all(message, wanted).at(-1)
  return last === undefined ? '' : textOf(last)
}
