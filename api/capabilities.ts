// Decides which capability arguments an attachment's plugins get, and which requests no plugin can honour. Never builds stdin.
import type { NetworkSelection } from './annotations/selection.ts'
import type { NetworkConfig } from './cni/config.ts'
import type { Json, JsonObject, Rejected } from './json.ts'
import { isList, isObject, rejected } from './json.ts'
import { pathTo } from './json-path.ts'

/** Where a capability comes from in the annotation, under its capability name. */
const REQUESTS = [
  ['ips', 'ips'],
  ['mac', 'mac'],
  ['infiniband-guid', 'infinibandGUID'],
  ['portMappings', 'portMappings'],
  ['bandwidth', 'bandwidth'],
] as const

/** Capability that tells a runtime to pass the pod's annotations; only for us. */
const POD_ANNOTATIONS = 'io.kubernetes.cri.pod-annotations'

/**
 * What the primary's plugins may get: the runtime's own runtimeConfig, unknown capabilities included. Empty `hostIP` and `protocol` are
 * left out of port mappings, as plugins behind Multus see them.
 */
export function primaryRuntimeConfig(runtimeConfig: JsonObject): JsonObject {
  const entries = Object.entries(runtimeConfig).filter(([key]) => key !== POD_ANNOTATIONS)
  return Object.fromEntries(entries.map(([key, value]) => [key, key === 'portMappings' ? withoutEmpty(value) : value]))
}

function withoutEmpty(mappings: Json): Json {
  if (!isList(mappings)) return mappings
  return mappings.map((mapping) => {
    if (!isObject(mapping)) return mapping
    return Object.fromEntries(Object.entries(mapping).filter(([key, value]) => value !== '' || (key !== 'hostIP' && key !== 'protocol')))
  })
}

/** The device of an attachment as its plugins see it. */
export interface DeviceArgs {
  readonly deviceId?: string
  readonly deviceInfoFile?: string
}

/** What a secondary's plugins may get: only what its own element asked for, never the runtime's values (MNS 7.5). */
export function secondaryRuntimeConfig(selection: NetworkSelection, device: DeviceArgs): JsonObject {
  const { ips, mac, infinibandGuid, portMappings, bandwidth } = selection
  const deviceId = device.deviceId ?? selection.deviceId
  return {
    ...(ips && { ips }),
    ...(mac && { mac }),
    ...(infinibandGuid && { infinibandGUID: infinibandGuid }),
    ...(portMappings && { portMappings }),
    ...(bandwidth && { bandwidth }),
    ...(deviceId && { deviceID: deviceId }),
    ...(device.deviceInfoFile && { CNIDeviceInfoFile: device.deviceInfoFile }),
  }
}

/**
 * What the plugins of a network that replaces the primary may get besides the runtime's own values. Its `ips` and `mac` travel in CNI_ARGS
 * alone, as Multus hands them over (spec/attachments 1.8); what has no place there would be lost otherwise.
 */
export function overrideRuntimeConfig({ infinibandGuid, portMappings, bandwidth }: NetworkSelection): JsonObject {
  return {
    ...(infinibandGuid && { infinibandGUID: infinibandGuid }),
    ...(portMappings && { portMappings }),
    ...(bandwidth && { bandwidth }),
  }
}

/**
 * Whether some plugin of the network declares each requested capability. Undefined when all do; else the first that none does, with a
 * sentence for the user. Strict networks fail with it, imported ones warn.
 */
export function unhonouredRequest(selection: NetworkSelection, config: NetworkConfig): Rejected | undefined {
  const requested = secondaryRuntimeConfig(selection, {})
  const missing = REQUESTS.find(
    ([, capability]) => capability in requested && !config.plugins.some((plugin) => plugin.capabilities.includes(capability)),
  )
  if (missing === undefined) return undefined
  const [key, capability] = missing
  const network = `${selection.namespace}/${selection.name}`
  const problem = `is asked for, but no plugin of network ${network} declares the capability "${capability}"`
  return rejected(
    pathTo(selection.path, key),
    problem,
    `add "capabilities": {"${capability}": true} to a plugin that has it, or remove "${key}"`,
  )
}
