// Decides how the kernel's default routes, as `ip -json route` prints them, are read and written again. Pure.
import { isList, isObject, type Json, type JsonObject } from '#api/json'
import type { Family } from './wanted-routes.ts'

/** A default route of the main table. Two of the same `words` are the same route. */
export interface KernelRoute {
  readonly family: Family
  /** What follows `ip route append` or `ip route del`. */
  readonly words: string
  /** Several for one IPv4 route with several next hops. */
  readonly devices: readonly string[]
  /** Absent for a route without a gateway, or with several. */
  readonly gateway?: string
  readonly metric: number
}

/** The kernel gives this metric to an IPv6 route without one. */
const METRIC_UNSAID = { 4: 0, 6: 1024 } as const satisfies Record<Family, number>

/** Attributes that are kept as they are, by their name in the output, which is their word on the command line. */
const KEPT_METRICS = ['mtu', 'advmss', 'window', 'hoplimit', 'initcwnd', 'initrwnd', 'quickack'] as const

/** Default routes in the output of `ip -json route show table main default`. Types other than unicast (blackhole, unreachable) lead nowhere and are left alone. */
export function readKernelRoutes(output: Json, family: Family): readonly KernelRoute[] {
  const routes = isList(output) ? output.filter(isObject) : []
  return routes.filter(({ dst, type = 'unicast' }) => dst === 'default' && type === 'unicast').flatMap((route) => read(route, family))
}

/** The metric that the kernel shows for a route that was asked for with or without one. */
export function metricShown(family: Family, metric: number | undefined): number {
  return metric ?? METRIC_UNSAID[family]
}

function read(route: JsonObject, family: Family): readonly KernelRoute[] {
  const metric = typeof route['metric'] === 'number' ? route['metric'] : METRIC_UNSAID[family]
  const attributes = attributeWords(route, family, metric)
  const hops = isList(route['nexthops']) ? route['nexthops'].filter(isObject) : []
  if (hops.length === 0) return [{ family, metric, words: words('default', hopWords(route), attributes), ...endOf(route) }]
  // Next hops of IPv6 are routes of their own to the kernel.
  if (family === 6) return hops.map((hop) => ({ family, metric, words: words('default', hopWords(hop), attributes), ...endOf(hop) }))
  const list = hops.map((hop) => words('nexthop', hopWords(hop), `weight ${text(hop['weight']) ?? '1'}`)).join(' ')
  return [{ family, metric, words: words('default', attributes, list), devices: hops.flatMap(({ dev }) => text(dev) ?? []) }]
}

function endOf(hop: JsonObject): Pick<KernelRoute, 'devices' | 'gateway'> {
  const device = text(hop['dev'])
  const gateway = text(hop['gateway'])
  return { devices: device === undefined ? [] : [device], ...(gateway !== undefined && { gateway }) }
}

function hopWords(hop: JsonObject): string {
  const via = isObject(hop['via']) ? `${text(hop['via']['family']) ?? ''} ${text(hop['via']['host']) ?? ''}` : text(hop['gateway'])
  const flags = isList(hop['flags']) ? hop['flags'] : []
  return words(pair('via', via), pair('dev', text(hop['dev'])), flags.includes('onlink') ? 'onlink' : '')
}

function attributeWords(route: JsonObject, family: Family, metric: number): string {
  const metrics = isList(route['metrics']) ? route['metrics'].filter(isObject) : []
  const kept = metrics.flatMap((item) => KEPT_METRICS.map((key) => pair(key, text(item[key]))))
  return words(
    metric === 0 ? '' : `metric ${metric}`,
    pair('proto', text(route['protocol'])),
    family === 4 ? pair('scope', text(route['scope'])) : '',
    pair('src', text(route['prefsrc'])),
    pair('pref', text(route['pref'])),
    ...kept,
  )
}

function pair(word: string, value: string | undefined): string {
  return value === undefined ? '' : `${word} ${value}`
}

function words(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ')
}

function text(value: Json | undefined): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? value : undefined
}
