// Decides which default routes a pod may ask for: one gateway per family, at most one metric. Never looks at a kernel (spec/attachments 1.11).
import { parseIp, unmapped } from '../ip.ts'
import { type Json, type Rejected, rejected } from '../json.ts'
import { pathTo, shown } from '../json-path.ts'
import { BadField } from './bad-field.ts'
import type { NetworkSelection } from './selection.ts'

/** A metric for the gateways of the same element: the default routes of the pod's other networks then stay beside it. */
export const DEFAULT_ROUTE_METRIC_KEY = 'plexus.dev/default-route-metric'

const MAX_METRIC = 4_294_967_295

/** 4 or 6 of a gateway; undefined for what cannot be one: no address, or the unspecified one. */
export function gatewayFamily(gateway: string): 4 | 6 | undefined {
  const ip = parseIp(gateway)
  if (ip === undefined) return undefined
  const { family, value } = unmapped(ip)
  return BigInt(value) === 0n ? undefined : family
}

/** The metric of an element; undefined when it has none. Throws BadField, also for a metric without a gateway. */
export function readMetric(value: Json | undefined, path: string, gateways: readonly string[] | undefined): number | undefined {
  if (value === undefined || value === null) return undefined
  const field = pathTo(path, DEFAULT_ROUTE_METRIC_KEY)
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > MAX_METRIC) {
    throw new BadField(field, `${shown(value)} is not a metric`, `write a number from 1 to ${MAX_METRIC}`)
  }
  if (gateways === undefined || gateways.length === 0) {
    throw new BadField(field, 'has no gateway to apply to', 'write a gateway in "default-route", or remove the metric')
  }
  return value
}

/** Refuses a pod that asks for more than one gateway of a family, over all its networks. */
export function sharedDefaultRoute(selections: readonly Pick<NetworkSelection, 'path' | 'defaultRoute'>[]): Rejected | undefined {
  const first = new Map<4 | 6, string>()
  for (const { path, defaultRoute = [] } of selections) {
    for (const [index, gateway] of defaultRoute.entries()) {
      const field = `${pathTo(path, 'default-route')}[${index}]`
      const family = gatewayFamily(gateway)
      if (family === undefined) return rejected(field, `${shown(gateway)} is not a gateway`, 'write an address such as "10.1.1.254"')
      const before = first.get(family)
      if (before !== undefined) {
        const problem = `${shown(gateway)} is a second IPv${family} gateway beside ${before}`
        return rejected(field, problem, `keep one IPv${family} gateway for the whole pod`)
      }
      first.set(family, `${shown(gateway)} of ${pathTo(path, 'default-route')}`)
    }
  }
  return undefined
}
