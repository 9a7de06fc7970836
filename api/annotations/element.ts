// Decides what one JSON element of a network annotation means (spec/attachments 1.8). Never looks at other elements.
import { ifNameProblem } from '../ids.ts'
import { parseCidr, parseIp } from '../ip.ts'
import type { Json, JsonObject, Rejected } from '../json.ts'
import { isList, isObject, rejected } from '../json.ts'
import { pathTo, shown } from '../json-path.ts'
import { BadField } from './bad-field.ts'
import { DEFAULT_ROUTE_METRIC_KEY, readMetric } from './default-route.ts'
import { isHardwareAddress } from './fields.ts'
import { readBandwidth, readPortMappings } from './traffic.ts'
import type { NetworkSelection } from './selection.ts'

export type ReadElement = { readonly ok: true; readonly selection: NetworkSelection; readonly warnings: readonly string[] } | Rejected

/** `plexus.dev/required: false` makes an attachment optional. */
export const REQUIRED_KEY = 'plexus.dev/required'

const KEYS = [
  'name',
  'namespace',
  'interface',
  'interfaceRequest',
  'ips',
  'mac',
  'infiniband-guid',
  'portMappings',
  'bandwidth',
  'default-route',
  'cni-args',
  'deviceID',
  'ipam-claim-reference',
  REQUIRED_KEY,
  DEFAULT_ROUTE_METRIC_KEY,
] as const

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** Reads one element. Keys match without regard to case, as Go reads them; unknown keys are ignored with a warning. */
export function readElement(item: Json, path: string, podNamespace: string): ReadElement {
  if (!isObject(item)) return rejected(path, `is ${shown(item)} and not an object`, 'write an object such as {"name": "net-a"}')
  try {
    const { fields, warnings } = normalised(item, path)
    const selection = readSelection(fields, path, podNamespace)
    if (selection.ips !== undefined && selection.ipamClaimReference !== undefined) {
      warnings.push(`${path}: has both "ips" and "ipam-claim-reference"; the claim's addresses win where a plugin reads it`)
    }
    return { ok: true, selection, warnings }
  } catch (error) {
    if (error instanceof BadField) return error.answer
    throw error
  }
}

function readSelection(fields: JsonObject, path: string, podNamespace: string): NetworkSelection {
  const name = text(fields, 'name', path)
  if (name === undefined) throw new BadField(pathTo(path, 'name'), 'is missing', 'write the name of a NetworkAttachmentDefinition')
  if (name.includes('/')) throw new BadField(pathTo(path, 'name'), `${shown(name)} holds a "/"`, 'write the part before it as "namespace"')
  if (name.length > 253 || !DNS_SUBDOMAIN.test(name))
    throw new BadField(pathTo(path, 'name'), `${shown(name)} is not a name`, 'use lower-case letters, digits, "-" and "."')
  const namespace = text(fields, 'namespace', path) ?? podNamespace
  if (!DNS_LABEL.test(namespace))
    throw new BadField(pathTo(path, 'namespace'), `${shown(namespace)} is not a namespace`, 'use lower-case letters, digits and "-"')
  const required = fields[REQUIRED_KEY] ?? true
  if (typeof required !== 'boolean')
    throw new BadField(pathTo(path, REQUIRED_KEY), `${shown(required)} is not a boolean`, 'write true or false')
  return {
    namespace,
    name,
    path,
    ...optional('ifName', readIfName(fields, path)),
    ...readAddresses(fields, path),
    ...optional('portMappings', readPortMappings(fields['portMappings'], pathTo(path, 'portMappings'))),
    ...optional('bandwidth', readBandwidth(fields['bandwidth'], pathTo(path, 'bandwidth'))),
    ...optional('cniArgs', readCniArgs(fields, path)),
    ...optional('deviceId', text(fields, 'deviceID', path)),
    ...optional('ipamClaimReference', text(fields, 'ipam-claim-reference', path)),
    required,
  }
}

function readAddresses(
  fields: JsonObject,
  path: string,
): Pick<NetworkSelection, 'ips' | 'mac' | 'infinibandGuid' | 'defaultRoute' | 'defaultRouteMetric'> {
  const ips = texts(fields, 'ips', path)
  for (const [index, ip] of (ips ?? []).entries()) {
    if (parseIp(ip) === undefined && parseCidr(ip) === undefined) {
      throw new BadField(
        `${pathTo(path, 'ips')}[${index}]`,
        `${shown(ip)} is not an IP address`,
        'write one such as "10.1.1.7/24" or "fd00::7/64"',
      )
    }
  }
  const routes = texts(fields, 'default-route', path)
  for (const [index, gateway] of (routes ?? []).entries()) {
    if (parseIp(gateway) === undefined) {
      throw new BadField(
        `${pathTo(path, 'default-route')}[${index}]`,
        `${shown(gateway)} is not an IP address`,
        'write a gateway such as "10.1.1.254"',
      )
    }
  }
  return {
    ...optional('ips', ips === undefined || ips.length === 0 ? undefined : ips),
    ...optional('mac', hardwareAddress(fields, 'mac', path)),
    ...optional('infinibandGuid', hardwareAddress(fields, 'infiniband-guid', path)),
    ...optional('defaultRoute', routes),
    ...optional('defaultRouteMetric', readMetric(fields[DEFAULT_ROUTE_METRIC_KEY], path, routes)),
  }
}

function hardwareAddress(fields: JsonObject, key: string, path: string): string | undefined {
  const value = text(fields, key, path)
  if (value === undefined || isHardwareAddress(value)) return value
  const example = key === 'mac' ? '02:23:45:67:89:01' : 'c2:11:22:33:44:55:66:77'
  throw new BadField(
    pathTo(path, key),
    `${shown(value)} is not a hardware address`,
    `write pairs of hexadecimal digits such as "${example}"`,
  )
}

function readIfName(fields: JsonObject, path: string): string | undefined {
  const current = text(fields, 'interface', path)
  const legacy = text(fields, 'interfaceRequest', path)
  const key = current === undefined ? 'interfaceRequest' : 'interface'
  const name = current ?? legacy
  if (current !== undefined && legacy !== undefined && current !== legacy) {
    throw new BadField(pathTo(path, 'interfaceRequest'), `${shown(legacy)} contradicts "interface"`, 'write only "interface"')
  }
  const problem = name === undefined ? undefined : ifNameProblem(name)
  if (problem === undefined) return name
  throw new BadField(
    pathTo(path, key),
    `${shown(name)} is not an interface name: ${problem}`,
    'use 1 to 15 letters, digits, ".", "_" or "-"',
  )
}

function readCniArgs(fields: JsonObject, path: string): JsonObject | undefined {
  const value = fields['cni-args'] ?? undefined
  if (value === undefined || isObject(value)) return value
  throw new BadField(pathTo(path, 'cni-args'), `is ${shown(value)} and not an object`, 'write an object such as {"key": "value"}')
}

/** The element with our spelling of its keys. Two spellings of one key are a duplicate. */
function normalised(item: JsonObject, path: string): { readonly fields: JsonObject; readonly warnings: string[] } {
  const fields: Record<string, Json> = {}
  const warnings: string[] = []
  for (const [written, value] of Object.entries(item)) {
    const key = KEYS.find((known) => known === written) ?? KEYS.find((known) => known.toLowerCase() === written.toLowerCase())
    if (key === undefined) {
      if (!written.includes('/'))
        warnings.push(`${pathTo(path, written)}: is not a key we know and is ignored; known are ${KEYS.join(', ')}`)
      continue
    }
    if (key in fields) throw new BadField(pathTo(path, written), 'is written twice', 'keep one of them')
    fields[key] = value
  }
  return { fields, warnings }
}

/** A string; absent, null and empty are the same, as in Go. */
function text(fields: JsonObject, key: string, path: string): string | undefined {
  const value = fields[key] ?? ''
  if (typeof value !== 'string') throw new BadField(pathTo(path, key), `${shown(value)} is not a string`, 'write a string')
  return value === '' ? undefined : value
}

function texts(fields: JsonObject, key: string, path: string): readonly string[] | undefined {
  const value = fields[key]
  if (value === undefined || value === null) return undefined
  const strings = isList(value) ? value.filter((item) => typeof item === 'string') : undefined
  if (strings === undefined || !isList(value) || strings.length < value.length) {
    throw new BadField(pathTo(path, key), `${shown(value)} is not a list of strings`, 'write a list such as ["10.1.1.7/24"]')
  }
  return strings
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { readonly [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [K in Key]?: Value })
}
