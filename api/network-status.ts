// Decides the exact bytes of the network-status annotation (spec/attachments 1.13), as the reference client writes them. Never talks to the API.
import type { CniDns, CniResult } from './cni/result.ts'
import { formatIp, parseCidr, parseIp, unmapped } from './ip.ts'
import { goString } from './json-text.ts'

/** A device as a device plugin's device-info file describes it. */
export interface DeviceInfo {
  readonly type?: string
  readonly version?: string
  readonly pci?: Fields<'pci-address' | 'vhost-net' | 'rdma-device' | 'pf-pci-address' | 'representor-device'>
  readonly vdpa?: Fields<'parent-device' | 'driver' | 'path' | 'pci-address' | 'pf-pci-address' | 'representor-device'>
  readonly 'vhost-user'?: Fields<'mode' | 'path'>
  readonly memif?: Fields<'role' | 'path' | 'mode'>
}
type Fields<Key extends string> = { readonly [K in Key]?: string }

/** One element of the annotation. Key order is that of the reference client. */
export interface NetworkStatus {
  readonly name: string
  readonly interface: string
  readonly ips: readonly string[]
  readonly mac: string
  readonly mtu: number
  readonly default: boolean
  readonly dns: CniDns
  readonly 'device-info'?: DeviceInfo
  readonly gateway: readonly string[]
}

export interface AttachedNetwork {
  /** `namespace/name` of the NAD, or the conf's name for the primary. */
  readonly name: string
  readonly result: CniResult
  readonly primary: boolean
  readonly deviceInfo?: DeviceInfo
}

/** How Go writes the gateway of a default route without one. Readers of the annotation have met it for years. */
const NO_GATEWAY = '<nil>'

/**
 * The elements of one attachment. One interface: one element, also without a sandbox (Calico). None or several: one per interface with a
 * sandbox, addresses by index, those without an index to the last.
 */
export function networkStatuses(attached: AttachedNetwork): readonly NetworkStatus[] {
  return attached.result.interfaces.length === 1 ? [singleStatus(attached)] : manyStatuses(attached)
}

function singleStatus(attached: AttachedNetwork): NetworkStatus {
  const { result, primary } = attached
  const inPod = result.interfaces.find(({ sandbox }) => sandbox !== undefined)
  return status(attached, { name: inPod?.name, mac: inPod?.mac, mtu: inPod?.mtu, isDefault: primary, ips: result.ips.map(addressOf) })
}

function manyStatuses(attached: AttachedNetwork): readonly NetworkStatus[] {
  const { interfaces, ips } = attached.result
  const inPod = [...interfaces.entries()].filter(([, { sandbox }]) => sandbox !== undefined)
  const last = inPod.at(-1)?.[0]
  const byGateway = ips.find(({ gateway, interface: owner }) => gateway !== undefined && owner !== undefined)?.interface
  const owner = byGateway === undefined || byGateway === -1 ? inPod[0]?.[0] : byGateway
  return inPod.map(([index, { name, mac, mtu }]) => {
    const own = ips.filter((ip) => (ip.interface ?? last) === index).map(addressOf)
    return status(attached, { name, mac, mtu, isDefault: attached.primary && index === owner, ips: own })
  })
}

interface InterfacePart {
  readonly name: string | undefined
  readonly mac: string | undefined
  readonly mtu: number | undefined
  readonly isDefault: boolean
  readonly ips: readonly string[]
}

function status(attached: AttachedNetwork, part: InterfacePart): NetworkStatus {
  const { name, result, deviceInfo } = attached
  return {
    name,
    interface: part.name ?? '',
    ips: part.ips,
    mac: part.mac ?? '',
    mtu: part.mtu ?? 0,
    default: part.isDefault,
    dns: result.dns,
    ...(deviceInfo !== undefined && { 'device-info': deviceInfo }),
    gateway: result.routes.filter(({ dst }) => isDefaultRoute(dst)).map(({ gw }) => (gw === undefined ? NO_GATEWAY : goIp(gw))),
  }
}

/** The reference client looks at the address alone, whatever the prefix. */
function isDefaultRoute(dst: string): boolean {
  const ip = parseCidr(dst)?.ip
  return ip !== undefined && BigInt(unmapped(ip).value) === 0n
}

function addressOf(ip: { readonly address: string }): string {
  const parsed = parseCidr(ip.address)?.ip
  return parsed === undefined ? ip.address : formatIp(unmapped(parsed))
}

function goIp(text: string): string {
  const ip = parseIp(text)
  return ip === undefined ? text : formatIp(unmapped(ip))
}

/** The value of the annotation: each element indented by four spaces, joined by commas without a space. */
export function formatNetworkStatus(statuses: readonly NetworkStatus[]): string {
  return `[${statuses.map((item) => indented(elementFields(item), '')).join(',')}]`
}

/** What Go's `omitempty` keeps of a value. */
type Written = string | number | true | readonly string[] | Members
interface Members {
  readonly members: readonly (readonly [key: string, value: Written])[]
}

function elementFields(item: NetworkStatus): Members {
  const device = item['device-info']
  return members([
    ['name', item.name, 'always'],
    ['interface', item.interface],
    ['ips', item.ips],
    ['mac', item.mac],
    ['mtu', item.mtu],
    ['default', item.default],
    ['dns', dnsFields(item.dns)],
    ['device-info', device === undefined ? undefined : deviceFields(device)],
    ['gateway', item.gateway],
  ])
}

function dnsFields(dns: CniDns): Members {
  return members([
    ['nameservers', dns.nameservers],
    ['domain', dns.domain],
    ['search', dns.search],
    ['options', dns.options],
  ])
}

function deviceFields(device: DeviceInfo): Members {
  const { pci, vdpa, memif, 'vhost-user': vhostUser } = device
  return members([
    ['type', device.type],
    ['version', device.version],
    ['pci', fields(pci, ['pci-address', 'vhost-net', 'rdma-device', 'pf-pci-address', 'representor-device'])],
    ['vdpa', fields(vdpa, ['parent-device', 'driver', 'path', 'pci-address', 'pf-pci-address', 'representor-device'])],
    ['vhost-user', fields(vhostUser, ['mode', 'path'])],
    ['memif', fields(memif, ['role', 'path', 'mode'])],
  ])
}

function fields<Key extends string>(object: Fields<Key> | undefined, keys: readonly Key[]): Members | undefined {
  return object === undefined ? undefined : members(keys.map((key) => [key, object[key]]))
}

type Field = readonly [key: string, value: Written | false | undefined, always?: 'always']

function members(list: readonly Field[]): Members {
  const kept: (readonly [string, Written])[] = []
  for (const [key, value, always] of list) {
    if (value === undefined || value === false) continue
    const isEmpty = value === '' || value === 0 || (isStrings(value) && value.length === 0)
    if (!isEmpty || always === 'always') kept.push([key, value])
  }
  return { members: kept }
}

function isStrings(value: Written): value is readonly string[] {
  return Array.isArray(value)
}

function indented(value: Written, indent: string): string {
  if (typeof value === 'string') return goString(value)
  if (typeof value === 'number' || value === true) return String(value)
  const deeper = `${indent}    `
  const isList = isStrings(value)
  const lines = isList ? value.map(goString) : value.members.map(([key, member]) => `${goString(key)}: ${indented(member, deeper)}`)
  const [open, close] = isList ? ['[', ']'] : ['{', '}']
  if (lines.length === 0) return open + close
  return `${open}\n${lines.map((line) => deeper + line).join(',\n')}\n${indent}${close}`
}
