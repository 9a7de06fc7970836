// Decides what one planned attachment has to do with devices: which it gets, what its plugins are told, why it is refused. Pure.
import type { NetworkConfig } from '#api/cni/config'
import type { PluginInput } from '#api/cni/plugin-input'
import type { DeviceArgs } from '#api/capabilities'
import type { JsonObject } from '#api/json'
import { attachmentDeviceFile } from '#api/network-status-device'
import type { PodIdentity } from '#api/sandbox-record'
import type { AttachedDevice } from '#api/socket'
import { type Refusal, refuse, type RequestedNetwork } from '../attach/requested-network.ts'
import { type GivenDevice, noDevice } from './assign-devices.ts'
import type { DeviceIds } from './device-ids.ts'

const INFO_CAPABILITY = 'CNIDeviceInfoFile'
const ID_CAPABILITY = 'deviceID'

/** What a refusal needs to know of the pod. */
export interface DeviceContext {
  readonly pod: PodIdentity
  readonly devices?: DeviceIds
}

/** Why a network that hands out `resource` cannot be attached; undefined when it has its device. */
export function deviceRefusal(
  selection: RequestedNetwork,
  asked: { readonly resource: string | undefined; readonly given: GivenDevice | undefined },
  { pod, devices }: DeviceContext,
): Refusal | undefined {
  const { resource, given } = asked
  if (resource === undefined || given !== undefined) return undefined
  const { path, key: network } = selection
  if (devices === undefined) {
    const remedy = 'install the chart with agent.devices.enabled=true, or set "deviceID"'
    return refuse(
      'UnsupportedField',
      `${path}: network ${network} hands out devices of "${resource}", but this node's agent does not look for them; ${remedy}`,
    )
  }
  const held = devices.get(resource)?.length ?? 0
  return refuse('DeviceMissing', noDevice({ path, network, pod: `${pod.namespace}/${pod.name}`, resource, held }))
}

/** A device that was named in the annotation and reaches no plugin: nobody would say so otherwise. */
export function deviceWarning({ path, key }: RequestedNetwork, given: GivenDevice | undefined, config: NetworkConfig): string | undefined {
  if (given === undefined || given.resource !== undefined || declares(config, ID_CAPABILITY)) return undefined
  const remedy = `add "capabilities": {"${ID_CAPABILITY}": true} to the plugin that takes a device, or remove "deviceID"`
  return `${path}.deviceID: no plugin of network ${key} declares the capability "${ID_CAPABILITY}"; ${remedy}`
}

export interface AttachmentPlace {
  readonly network: string
  readonly containerId: string
  readonly ifName: string
  readonly config: NetworkConfig
}

/** What the record keeps; undefined when the attachment has no device and no plugin asks for a device-info file. */
export function attachedDevice(
  place: AttachmentPlace,
  given: GivenDevice | undefined,
  infoDir: string | undefined,
): AttachedDevice | undefined {
  if (infoDir === undefined || (given?.resource === undefined && !declares(place.config, INFO_CAPABILITY))) return undefined
  const infoFile = `${infoDir}/${attachmentDeviceFile(place.network, place.containerId, place.ifName)}`
  return { ...given, infoFile }
}

/** Capability arguments; plugins get those they declare. */
export function deviceArgs(given: GivenDevice | undefined, device: AttachedDevice | undefined): DeviceArgs {
  return {
    ...(given === undefined ? {} : { deviceId: given.id }),
    ...(device === undefined ? {} : { deviceInfoFile: device.infoFile }),
  }
}

/** The same for a primary, whose other arguments are the runtime's. */
export function primaryDeviceConfig({ deviceId, deviceInfoFile }: DeviceArgs): JsonObject {
  return {
    ...(deviceId === undefined ? {} : { [ID_CAPABILITY]: deviceId }),
    ...(deviceInfoFile === undefined ? {} : { [INFO_CAPABILITY]: deviceInfoFile }),
  }
}

/** Only a device of a resource goes into the conf itself; one that the annotation named is a capability argument alone. */
export function injected(given: GivenDevice | undefined): Pick<PluginInput, 'deviceId'> {
  return given?.resource === undefined ? {} : { deviceId: given.id }
}

function declares(config: NetworkConfig, capability: string): boolean {
  return config.plugins.some(({ capabilities }) => capabilities.includes(capability))
}
