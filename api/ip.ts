// Decides what is an IP address or a CIDR and how it is written. Arithmetic only; never resolves, never guesses (no short forms, no leading zeros).

/** IPv4 as an unsigned 32-bit number, IPv6 as an unsigned 128-bit bigint. */
export type Ip = { readonly family: 4; readonly value: number } | { readonly family: 6; readonly value: bigint }

/** An address with its prefix length; the host part is kept. */
export interface Cidr {
  readonly ip: Ip
  readonly prefix: number
}

const IPV4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/
const GROUP = /^[0-9a-fA-F]{1,4}$/
const V4_MAPPED = 0xffffn

/** Parses a dotted IPv4 or an IPv6 address without a zone; undefined when it is neither. */
export function parseIp(text: string): Ip | undefined {
  if (text.includes(':')) {
    const value = parseIpv6(text)
    return value === undefined ? undefined : { family: 6, value }
  }
  const value = parseIpv4(text)
  return value === undefined ? undefined : { family: 4, value }
}

/** Dotted IPv4, or IPv6 as RFC 5952 writes it. */
export function formatIp(ip: Ip): string {
  return ip.family === 4 ? formatIpv4(ip.value) : formatIpv6(ip.value)
}

/** The one way an address is written; undefined when it is none. */
export function canonicalIp(text: string): string | undefined {
  const ip = parseIp(text)
  return ip === undefined ? undefined : formatIp(ip)
}

/** An IPv4 address that is written as `::ffff:a.b.c.d`, as IPv4; anything else as it is. Go's net.IP does not tell the two apart. */
export function unmapped(ip: Ip): Ip {
  return ip.family === 6 && ip.value >> 32n === V4_MAPPED ? { family: 4, value: Number(ip.value & 0xffffffffn) } : ip
}

/** Bits of an address of this family. */
export function bitsOf(family: 4 | 6): 32 | 128 {
  return family === 4 ? 32 : 128
}

/** Parses `address/prefix`. The host part may be set. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/')
  if (slash < 0) return undefined
  const ip = parseIp(text.slice(0, slash))
  const digits = text.slice(slash + 1)
  if (ip === undefined || !/^(0|[1-9]\d{0,2})$/.test(digits)) return undefined
  const prefix = Number(digits)
  return prefix <= bitsOf(ip.family) ? { ip, prefix } : undefined
}

export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr.ip)}/${cidr.prefix}`
}

/** The CIDR with its host part cleared. */
export function networkOf(cidr: Cidr): Cidr {
  const { ip, prefix } = cidr
  if (ip.family === 4) {
    const size = 2 ** (32 - prefix)
    return { ip: { family: 4, value: ip.value - (ip.value % size) }, prefix }
  }
  const bits = BigInt(128 - prefix)
  return { ip: { family: 6, value: (ip.value >> bits) << bits }, prefix }
}

/** The host part: the address minus the network's first address. */
export function hostPart(cidr: Cidr): bigint {
  return BigInt(cidr.ip.value) - BigInt(networkOf(cidr).ip.value)
}

/** Whether the network holds the address. Addresses of the other family are never held. */
export function contains(network: Cidr, ip: Ip): boolean {
  if (network.ip.family !== ip.family) return false
  return networkOf({ ip, prefix: network.prefix }).ip.value === networkOf(network).ip.value
}

/** Whether every address of `inner` is in `outer`. */
export function containsCidr(outer: Cidr, inner: Cidr): boolean {
  return inner.prefix >= outer.prefix && contains(outer, inner.ip)
}

function parseIpv4(text: string): number | undefined {
  const match = IPV4.exec(text)
  if (match === null) return undefined
  let value = 0
  for (const octet of match.slice(1)) {
    if (Number(octet) > 255) return undefined
    value = value * 256 + Number(octet)
  }
  return value
}

function parseIpv6(text: string): bigint | undefined {
  if (text.length > 45) return undefined
  const [head = '', tail, ...rest] = text.split('::')
  if (rest.length > 0) return undefined
  const last = tail ?? head
  const before = groupsOf(head, tail === undefined)
  const after = tail === undefined ? [] : groupsOf(last, true)
  if (before === undefined || after === undefined) return undefined
  const missing = 8 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  let value = 0n
  for (const group of [...before, ...Array.from({ length: missing }, () => 0), ...after]) value = (value << 16n) | BigInt(group)
  return value
}

/** The 16-bit groups of one side of `::`. Only the last group of the whole address may be dotted IPv4. */
function groupsOf(side: string, isLast: boolean): readonly number[] | undefined {
  if (side === '') return []
  const groups: number[] = []
  const parts = side.split(':')
  for (const [index, part] of parts.entries()) {
    if (GROUP.test(part)) {
      groups.push(Number.parseInt(part, 16))
      continue
    }
    const v4 = isLast && index === parts.length - 1 ? parseIpv4(part) : undefined
    if (v4 === undefined) return undefined
    groups.push(Math.floor(v4 / 65536), v4 % 65536)
  }
  return groups
}

function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
}

function formatIpv6(value: bigint): string {
  if (value >> 32n === V4_MAPPED) return `::ffff:${formatIpv4(Number(value & 0xffffffffn))}`
  const groups = Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - 16 * index)) & 0xffffn))
  const run = longestZeroRun(groups)
  const hex = groups.map((group) => group.toString(16))
  if (run.length < 2) return hex.join(':')
  return `${hex.slice(0, run.start).join(':')}::${hex.slice(run.start + run.length).join(':')}`
}

function longestZeroRun(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start }
  }
  return best
}
