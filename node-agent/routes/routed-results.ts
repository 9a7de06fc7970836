// Decides what the recorded results say after default routes were moved: results name the routes that the kernel has. Pure.
import { isList, isObject, type Json, type JsonObject } from '#api/json'
import { parseCidr } from '#api/ip'
import type { RecordedAttachment } from '#api/socket'
import type { Family, WantedRoute, WantedRoutes } from './wanted-routes.ts'

/** The attachments with results that follow the wanted routes; a result that needs no change is the same object. */
export function routedAttachments(attachments: readonly RecordedAttachment[], wanted: WantedRoutes): readonly RecordedAttachment[] {
  return attachments.map((attachment) => {
    const { result, ifName } = attachment
    if (result === undefined) return attachment
    const dropped = droppedFamilies(ifName, wanted)
    const added = wanted.routes.filter((route) => route.ifName === ifName)
    const routed =
      added.length > 0 || dropped.some((family) => hasDefault(result, family)) ? routedResult(result, { dropped, added }) : result
    return routed === result ? attachment : { ...attachment, result: routed }
  })
}

/** Families of which this interface's own default routes are gone, or replaced. */
function droppedFamilies(ifName: string, { routes, without }: WantedRoutes): readonly Family[] {
  if (without.includes(ifName)) return [4, 6]
  return routes.filter((route) => route.metric === undefined || route.ifName === ifName).map(({ family }) => family)
}

interface RouteChange {
  readonly dropped: readonly Family[]
  readonly added: readonly WantedRoute[]
}

/** Results of CNI 0.2.0 and older hold routes within `ip4` and `ip6`. */
function routedResult(result: JsonObject, change: RouteChange): JsonObject {
  if (result['ip4'] === undefined && result['ip6'] === undefined) {
    const withPriority = typeof result['cniVersion'] === 'string' && result['cniVersion'].startsWith('1.')
    return withRoutes(result, change, withPriority)
  }
  const families = [4, 6] as const
  const parts = families.flatMap((family) => {
    const config = result[`ip${family}`]
    if (!isObject(config)) return []
    const part = { dropped: change.dropped, added: change.added.filter((route) => route.family === family) }
    return [[`ip${family}`, withRoutes(config, part, false)] as const]
  })
  return { ...result, ...Object.fromEntries(parts) }
}

function withRoutes(object: JsonObject, { dropped, added }: RouteChange, withPriority: boolean): JsonObject {
  const kept = routesOf(object).filter((route) => !dropped.some((family) => isDefault(route, family)))
  const made = added.map(({ family, gateway, metric }) => ({
    dst: family === 4 ? '0.0.0.0/0' : '::/0',
    gw: gateway,
    ...(metric !== undefined && withPriority && { priority: metric }),
  }))
  return { ...object, routes: [...kept, ...made] }
}

function hasDefault(result: JsonObject, family: Family): boolean {
  const old = result[`ip${family}`]
  return [...routesOf(result), ...(isObject(old) ? routesOf(old) : [])].some((route) => isDefault(route, family))
}

function routesOf(object: JsonObject): readonly Json[] {
  return isList(object['routes']) ? object['routes'] : []
}

/** A default route of the main table; those of other tables were not touched. */
function isDefault(route: Json, family: Family): boolean {
  if (!isObject(route) || typeof route['dst'] !== 'string') return false
  const { table = 0 } = route
  const dst = parseCidr(route['dst'])
  return dst?.prefix === 0 && dst.ip.family === family && (table === 0 || table === 254 || table === null)
}
