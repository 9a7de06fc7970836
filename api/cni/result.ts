// Decides what a plugin's result means, whatever version it is written in. Parsing by hand: the shim uses it too. Never executes anything.
import { formatCidr, formatIp, parseCidr, parseIp } from '../ip.ts'
import type { Json, JsonObject, Rejected } from '../json.ts'
import { isList, isObject, rejected } from '../json.ts'
import { shown } from '../json-path.ts'
import { CNI_VERSIONS, type CniVersion, isAtLeast, isCniVersion } from './version.ts'

export interface CniInterface {
  readonly name: string
  readonly mac?: string
  readonly mtu?: number
  /** Path of the netns; absent for interfaces on the host. */
  readonly sandbox?: string
  readonly socketPath?: string
  readonly pciID?: string
}

export interface CniIp {
  /** Canonical CIDR with the host part. */
  readonly address: string
  /** Canonical address. */
  readonly gateway?: string
  /** Index into `interfaces`; plugins may give one that does not exist. */
  readonly interface?: number
}

export interface CniRoute {
  readonly dst: string
  readonly gw?: string
  readonly mtu?: number
  readonly advmss?: number
  readonly priority?: number
  readonly table?: number
  readonly scope?: number
}

export interface CniDns {
  readonly nameservers?: readonly string[]
  readonly domain?: string
  readonly search?: readonly string[]
  readonly options?: readonly string[]
}

/** A result in the terms of CNI 1.1.0. Results of older versions hold fewer fields; nothing is invented for them. */
export interface CniResult {
  /** The version it was written in. */
  readonly cniVersion: CniVersion
  readonly interfaces: readonly CniInterface[]
  readonly ips: readonly CniIp[]
  readonly routes: readonly CniRoute[]
  readonly dns: CniDns
}

export type ParsedResult = { readonly ok: true; readonly result: CniResult } | Rejected

/** What a field reader throws; never leaves this file. */
class Unreadable extends Error {
  readonly path: string
  constructor(path: string, message: string) {
    super(message)
    this.path = path
  }
}

/**
 * Parses what a plugin printed. `confVersion` is the version of its conf, meant when the result names none (CNI spec, "Success result").
 * `null` is an empty result. Unknown keys are dropped, as every CNI library does.
 */
export function parseResult(json: Json, confVersion: CniVersion): ParsedResult {
  try {
    if (json !== null && !isObject(json)) throw new Unreadable('', `is ${shown(json)} and not an object`)
    const object = json ?? {}
    const named = text(object, 'cniVersion', '')
    const cniVersion = named ?? confVersion
    if (!isCniVersion(cniVersion)) throw new Unreadable('cniVersion', `${shown(cniVersion)} is not one of ${CNI_VERSIONS.join(', ')}`)
    return { ok: true, result: isAtLeast(cniVersion, '0.3.0') ? readResult(object, cniVersion) : readOldResult(object, cniVersion) }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    return rejected(error.path, error.message, 'the plugin must print a result as the CNI specification says')
  }
}

/**
 * Whether a primary's result gives the pod the interface that the runtime asked for, with an address; runtimes read it the same way. An
 * address without an interface is the requested one's: results below 0.3.0 name none, and Calico names only its end on the host.
 */
export function hasAddressOn(result: CniResult, ifName: string): boolean {
  return result.ips.some((ip) => ip.interface === undefined || result.interfaces[ip.interface]?.name === ifName)
}

function readResult(object: JsonObject, cniVersion: CniVersion): CniResult {
  return {
    cniVersion,
    interfaces: objects(object, 'interfaces', '').map(([item, path]) => readInterface(item, path)),
    ips: objects(object, 'ips', '').map(([item, path]) => readIp(item, path)),
    routes: objects(object, 'routes', '').map(([item, path]) => readRoute(item, path)),
    dns: readDns(object),
  }
}

/** 0.1.0 and 0.2.0 know one address per family, with the routes inside it, and no interfaces. */
function readOldResult(object: JsonObject, cniVersion: CniVersion): CniResult {
  const ips: CniIp[] = []
  const routes: CniRoute[] = []
  for (const key of ['ip4', 'ip6']) {
    const config = object[key]
    if (config === undefined || config === null) continue
    if (!isObject(config)) throw new Unreadable(key, `is ${shown(config)} and not an object`)
    ips.push({ address: cidr(config, 'ip', key), ...present('gateway', ip(config, 'gateway', key)) })
    routes.push(...objects(config, 'routes', `${key}.`).map(([item, path]) => readRoute(item, path)))
  }
  return { cniVersion, interfaces: [], ips, routes, dns: readDns(object) }
}

function readInterface(item: JsonObject, path: string): CniInterface {
  return {
    name: text(item, 'name', path) ?? '',
    ...present('mac', text(item, 'mac', path)),
    ...present('mtu', integer(item, 'mtu', path) || undefined),
    ...present('sandbox', text(item, 'sandbox', path)),
    ...present('socketPath', text(item, 'socketPath', path)),
    ...present('pciID', text(item, 'pciID', path)),
  }
}

function readIp(item: JsonObject, path: string): CniIp {
  return {
    address: cidr(item, 'address', path),
    ...present('gateway', ip(item, 'gateway', path)),
    ...present('interface', integer(item, 'interface', path)),
  }
}

function readRoute(item: JsonObject, path: string): CniRoute {
  return {
    dst: cidr(item, 'dst', path),
    ...present('gw', ip(item, 'gw', path)),
    ...present('mtu', integer(item, 'mtu', path) || undefined),
    ...present('advmss', integer(item, 'advmss', path) || undefined),
    ...present('priority', integer(item, 'priority', path) || undefined),
    ...present('table', integer(item, 'table', path)),
    ...present('scope', integer(item, 'scope', path)),
  }
}

function readDns(object: JsonObject): CniDns {
  const dns = object['dns'] ?? {}
  if (!isObject(dns)) throw new Unreadable('dns', `is ${shown(dns)} and not an object`)
  return {
    ...present('nameservers', texts(dns, 'nameservers')),
    ...present('domain', text(dns, 'domain', 'dns')),
    ...present('search', texts(dns, 'search')),
    ...present('options', texts(dns, 'options')),
  }
}

function present<Key extends string, Value>(key: Key, value: Value | undefined): { readonly [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [K in Key]?: Value })
}

/** A string; absent, null and empty are the same, as in Go. */
function text(object: JsonObject, key: string, path: string): string | undefined {
  const value = object[key] ?? ''
  if (typeof value !== 'string') throw new Unreadable(at(path, key), `is ${shown(value)} and not a string`)
  return value === '' ? undefined : value
}

function integer(object: JsonObject, key: string, path: string): number | undefined {
  const value = object[key]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value)) throw new Unreadable(at(path, key), `is ${shown(value)} and not an integer`)
  return value
}

function cidr(object: JsonObject, key: string, path: string): string {
  const value = text(object, key, path)
  const parsed = value === undefined ? undefined : parseCidr(value)
  if (parsed === undefined) throw new Unreadable(at(path, key), `is ${shown(object[key])} and not an address with a prefix length`)
  return formatCidr(parsed)
}

function ip(object: JsonObject, key: string, path: string): string | undefined {
  const value = text(object, key, path)
  if (value === undefined) return undefined
  const parsed = parseIp(value)
  if (parsed === undefined) throw new Unreadable(at(path, key), `is ${shown(value)} and not an IP address`)
  return formatIp(parsed)
}

function texts(dns: JsonObject, key: string): readonly string[] | undefined {
  const list = dns[key] ?? []
  if (!isList(list)) throw new Unreadable(at('dns', key), `is ${shown(list)} and not a list`)
  const strings = list.filter((item) => typeof item === 'string')
  if (strings.length < list.length) throw new Unreadable(at('dns', key), 'holds something that is not a string')
  return strings.length === 0 ? undefined : strings
}

function objects(object: JsonObject, key: string, prefix: string): readonly (readonly [JsonObject, string])[] {
  const list = object[key] ?? []
  if (!isList(list)) throw new Unreadable(`${prefix}${key}`, `is ${shown(list)} and not a list`)
  return list.map((item, index) => {
    const path = `${prefix}${key}[${index}]`
    if (!isObject(item)) throw new Unreadable(path, `is ${shown(item)} and not an object`)
    return [item, path] as const
  })
}

function at(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}
