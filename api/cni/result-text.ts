// Decides how a result is written in each CNI version, as containernetworking/cni converts it. Never parses.
import { parseCidr, parseIp, unmapped } from '../ip.ts'
import type { JsonObject, Rejected } from '../json.ts'
import { rejected } from '../json.ts'
import type { CniDns, CniInterface, CniIp, CniResult, CniRoute } from './result.ts'
import { type CniVersion, isAtLeast } from './version.ts'

export type WrittenResult = { readonly ok: true; readonly json: JsonObject } | Rejected

/**
 * The result in the words of `version`. Downwards, what a version cannot say is left out: 0.3.x and 0.4.0 drop mtu, socketPath, pciID;
 * 0.1.0 and 0.2.0 keep the first address of each family with its routes and no interface, and cannot say a result without an address.
 */
export function resultAs(result: CniResult, version: CniVersion): WrittenResult {
  if (isAtLeast(version, '1.0.0')) return { ok: true, json: newResult(result, version) }
  if (isAtLeast(version, '0.3.0')) return { ok: true, json: midResult(result, version) }
  return oldResult(result, version)
}

/** 1.0.0 writes 1.1.0's fields too: the reference library never told the two apart, and readers ignore what they do not know. */
function newResult(result: CniResult, version: CniVersion): JsonObject {
  return {
    cniVersion: version,
    ...unlessEmpty('interfaces', result.interfaces.map(interfaceJson)),
    ...unlessEmpty('ips', result.ips.map(ipJson)),
    ...unlessEmpty('routes', result.routes.map(routeJson)),
    ...(Object.keys(result.dns).length === 0 ? {} : { dns: dnsJson(result.dns) }),
  }
}

function midResult(result: CniResult, version: CniVersion): JsonObject {
  return {
    cniVersion: version,
    ...unlessEmpty('interfaces', result.interfaces.map(oldInterfaceJson)),
    ...unlessEmpty(
      'ips',
      result.ips.map((ip) => ({ ...ipJson(ip), version: familyOf(ip.address) === 4 ? '4' : '6' })),
    ),
    ...unlessEmpty('routes', result.routes.map(routeJson)),
    dns: dnsJson(result.dns),
  }
}

function oldResult(result: CniResult, version: CniVersion): WrittenResult {
  const ip4 = oldIp(result, 4)
  const ip6 = oldIp(result, 6)
  if (ip4 === undefined && ip6 === undefined) {
    return rejected('ips', `is empty, which CNI ${version} cannot say`, 'write "cniVersion": "1.0.0" in the network\'s config')
  }
  return {
    ok: true,
    json: { cniVersion: version, ...(ip4 && { ip4 }), ...(ip6 && { ip6 }), dns: dnsJson(result.dns) },
  }
}

function oldIp(result: CniResult, family: 4 | 6): JsonObject | undefined {
  const ip = result.ips.find(({ address }) => familyOf(address) === family)
  if (ip === undefined) return undefined
  const routes = result.routes.filter(({ dst }) => familyOf(dst) === family)
  return {
    ip: ip.address,
    ...(ip.gateway === undefined ? {} : { gateway: ip.gateway }),
    ...unlessEmpty(
      'routes',
      routes.map(({ dst, gw }) => (gw === undefined ? { dst } : { dst, gw })),
    ),
  }
}

/** Whether a CIDR of a parsed result is IPv4; Go counts `::ffff:a.b.c.d` as IPv4. */
function familyOf(address: string): 4 | 6 {
  const ip = parseCidr(address)?.ip ?? parseIp(address)
  return ip === undefined ? 6 : unmapped(ip).family
}

function interfaceJson(item: CniInterface): JsonObject {
  return { ...item }
}

function oldInterfaceJson({ name, mac, sandbox }: CniInterface): JsonObject {
  return { name, ...(mac !== undefined && { mac }), ...(sandbox !== undefined && { sandbox }) }
}

function ipJson(item: CniIp): JsonObject {
  return { ...item }
}

function routeJson(item: CniRoute): JsonObject {
  return { ...item }
}

function dnsJson(dns: CniDns): JsonObject {
  return { ...dns }
}

function unlessEmpty(key: string, items: readonly JsonObject[]): JsonObject {
  return items.length === 0 ? {} : { [key]: items }
}
