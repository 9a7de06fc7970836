// Decides which default routes are added and removed, how the former ones come back, and whether the kernel did it. Pure.
import { type KernelRoute, metricShown } from './kernel-route.ts'
import type { WantedRoute, WantedRoutes } from './wanted-routes.ts'

/** Lines for `ip -batch`; a problem is the rest of a sentence about the wanted route. */
export type RoutePlan =
  | { readonly ok: true; readonly lines: readonly string[] }
  | { readonly ok: false; readonly route: WantedRoute; readonly problem: string }

/** The new routes come first: when the kernel refuses one, nothing else was touched. Nothing to do = no lines. */
export function planRoutes(wanted: WantedRoutes, former: readonly KernelRoute[]): RoutePlan {
  for (const route of wanted.routes) {
    const taken = former.find((other) => isBeside(route, other) && other.metric === metricShown(route.family, route.metric))
    if (taken !== undefined) {
      const problem = `the default route over ${taken.devices.join(', ')} has the metric ${taken.metric} already; choose another metric`
      return { ok: false, route, problem }
    }
  }
  const added = wanted.routes.filter((route) => !former.some((other) => isSame(route, other)))
  const removed = former.filter((other) => mustGo(wanted, other))
  return { ok: true, lines: [...added.map(appendLine), ...removed.map(({ words }) => `route del ${words}`)] }
}

/** What is not as it was asked for; undefined when the kernel did all of it. */
export function routeMismatch(wanted: WantedRoutes, present: readonly KernelRoute[]): string | undefined {
  const missing = wanted.routes.find((route) => !present.some((other) => isSame(route, other)))
  if (missing !== undefined) return `the default route via ${missing.gateway} dev ${missing.ifName} is not there`
  const left = present.find((other) => mustGo(wanted, other))
  return left === undefined ? undefined : `the route "${left.words}" is still there`
}

/** Lines that lead from the present routes back to the former ones. */
export function restoreLines(former: readonly KernelRoute[], present: readonly KernelRoute[]): readonly string[] {
  const has = (list: readonly KernelRoute[], { family, words }: KernelRoute): boolean =>
    list.some((other) => other.family === family && other.words === words)
  return [
    ...former.filter((route) => !has(present, route)).map(({ words }) => `route append ${words}`),
    ...present.filter((route) => !has(former, route)).map(({ words }) => `route del ${words}`),
  ]
}

function appendLine({ gateway, ifName, metric }: WantedRoute): string {
  return `route append default via ${gateway} dev ${ifName}${metric === undefined ? '' : ` metric ${metric}`}`
}

function isSame(route: WantedRoute, other: KernelRoute): boolean {
  const { family, ifName, gateway, metric } = route
  if (other.family !== family || other.gateway !== gateway || other.metric !== metricShown(family, metric)) return false
  return other.devices.length === 1 && other.devices[0] === ifName
}

/** A route of another interface that stays although `route` is added: only a metric allows that. */
function isBeside(route: WantedRoute, other: KernelRoute): boolean {
  return route.metric !== undefined && other.family === route.family && !other.devices.includes(route.ifName)
}

/** Whether a route must give way: its interface shall have none, or another one takes the place of its family. */
function mustGo({ routes, without }: WantedRoutes, other: KernelRoute): boolean {
  if (other.devices.length > 0 && other.devices.every((device) => without.includes(device))) return true
  return routes.some((route) => route.family === other.family && !isSame(route, other) && !isBeside(route, other))
}
