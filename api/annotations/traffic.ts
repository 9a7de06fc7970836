// Decides what `portMappings` and `bandwidth` of an annotation mean. Never applies them.
import type { Json, JsonObject } from '../json.ts'
import { isList, isObject } from '../json.ts'
import { pathTo, shown } from '../json-path.ts'
import { parseIp } from '../ip.ts'
import { BadField } from './bad-field.ts'
import type { Bandwidth, PortMapping } from './selection.ts'

const PROTOCOLS = ['tcp', 'udp', 'sctp']

/** Empty `protocol` and `hostIP` are left out, as Go writes them. */
export function readPortMappings(value: Json | undefined, path: string): readonly PortMapping[] | undefined {
  if (value === undefined || value === null) return undefined
  if (!isList(value))
    throw new BadField(path, `is ${shown(value)} and not a list`, 'write a list such as [{"hostPort": 8080, "containerPort": 80}]')
  const mappings = value.map((item, index) => readPortMapping(item, `${path}[${index}]`))
  return mappings.length === 0 ? undefined : mappings
}

function readPortMapping(item: Json, path: string): PortMapping {
  if (!isObject(item))
    throw new BadField(path, `is ${shown(item)} and not an object`, 'write an object such as {"hostPort": 8080, "containerPort": 80}')
  const protocol = item['protocol'] ?? ''
  if (typeof protocol !== 'string' || (protocol !== '' && !PROTOCOLS.includes(protocol.toLowerCase()))) {
    throw new BadField(pathTo(path, 'protocol'), `${shown(protocol)} is not a protocol`, 'write "tcp", "udp" or "sctp"')
  }
  const hostIP = item['hostIP'] ?? ''
  if (typeof hostIP !== 'string' || (hostIP !== '' && parseIp(hostIP) === undefined)) {
    throw new BadField(pathTo(path, 'hostIP'), `${shown(hostIP)} is not an IP address`, 'write an address of the node, or leave it out')
  }
  return {
    hostPort: port(item, 'hostPort', path),
    containerPort: port(item, 'containerPort', path),
    ...(protocol !== '' && { protocol }),
    ...(hostIP !== '' && { hostIP }),
  }
}

function port(item: JsonObject, key: string, path: string): number {
  const value = item[key] ?? 0
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65535) return value
  throw new BadField(pathTo(path, key), `${shown(value)} is not a port`, 'write a number from 0 to 65535')
}

/** All four numbers, 0 where nothing was written: the bandwidth plugin reads them as a whole. */
export function readBandwidth(value: Json | undefined, path: string): Bandwidth | undefined {
  if (value === undefined || value === null) return undefined
  if (!isObject(value))
    throw new BadField(
      path,
      `is ${shown(value)} and not an object`,
      'write an object such as {"ingressRate": 1000000, "ingressBurst": 80000}',
    )
  return {
    ingressRate: rate(value, 'ingressRate', path),
    ingressBurst: rate(value, 'ingressBurst', path),
    egressRate: rate(value, 'egressRate', path),
    egressBurst: rate(value, 'egressBurst', path),
  }
}

function rate(value: JsonObject, key: string, path: string): number {
  const number = value[key] ?? 0
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0) return number
  throw new BadField(pathTo(path, key), `${shown(number)} is not a number of bits`, 'write a whole number, 0 for no limit')
}
