// Decides what a device-info file says and what such files are called (spec/attachments 1.10). Never reads or writes files.
import type { JsonObject, Rejected } from './json.ts'
import { isObject, parseJson, rejected } from './json.ts'
import { shown, under } from './json-path.ts'
import type { DeviceInfo } from './network-status.ts'

/** Largest device-info file that is read. */
export const MAX_DEVICE_INFO_BYTES = 64 * 1024
const DETAILS = ['pci', 'vdpa', 'vhost-user', 'memif'] as const

export type ParsedDeviceInfo = { readonly ok: true; readonly deviceInfo: DeviceInfo } | Rejected

/** Path, below `/var/run/k8s.cni.cncf.io/devinfo`, of the file that a device plugin wrote for a device. */
export function devicePluginFile(resource: string, deviceId: string): string {
  return `dp/${flat(`${resource}-${deviceId}-device.json`)}`
}

/** Path, below `/var/run/k8s.cni.cncf.io/devinfo`, of the file that an attachment's plugins get as `CNIDeviceInfoFile`. `network` is `namespace/name`. */
export function attachmentDeviceFile(network: string, containerId: string, ifName: string): string {
  return `cni/${flat(`${network}-${containerId}_${ifName}`)}`
}

/** Parses a device-info file. Keys it does not know are dropped; empty strings are kept, `formatNetworkStatus` leaves them out. */
export function parseDeviceInfo(text: string, path: string): ParsedDeviceInfo {
  const parsed = parseJson(text, { maxBytes: MAX_DEVICE_INFO_BYTES })
  if (!parsed.ok) return { ...parsed, path: under(path, parsed.path) }
  const remedy = 'the device plugin must write it as the Device Information Specification says'
  if (!isObject(parsed.value)) return rejected(path, `is ${shown(parsed.value)} and not an object`, remedy)
  const { value } = parsed
  const head = strings({ type: value['type'] ?? '', version: value['version'] ?? '' })
  if (head === undefined) return rejected(path, 'has a "type" or "version" that is not a string', remedy)
  const details: Record<string, Readonly<Record<string, string>>> = {}
  for (const key of DETAILS) {
    const part = value[key]
    if (part === undefined || part === null) continue
    const fields = isObject(part) ? strings(part) : undefined
    if (fields === undefined) return rejected(under(path, key), `is ${shown(part)} and not an object of strings`, remedy)
    details[key] = fields
  }
  return { ok: true, deviceInfo: { ...head, ...details } }
}

function strings(object: JsonObject): Readonly<Record<string, string>> | undefined {
  const fields: Record<string, string> = {}
  for (const [key, value] of Object.entries(object)) {
    if (typeof value !== 'string') return undefined
    fields[key] = value
  }
  return fields
}

/** Device ids and names hold slashes; a file's name cannot. */
function flat(name: string): string {
  return name.replaceAll('/', '-')
}
