// Decides what a sandbox's attachments together ask of the default routes: a gateway per family, interfaces that shall have none. Pure.
import { gatewayFamily } from '#api/annotations/default-route'
import { formatIp, parseIp, unmapped } from '#api/ip'
import type { PlannedAttachment } from '#api/socket'

export type Family = 4 | 6

/** A default route that the pod asks for. */
export interface WantedRoute {
  readonly family: Family
  readonly ifName: string
  /** As the kernel writes it. */
  readonly gateway: string
  /** Absent: it takes the place of every other default route of its family. Given: the others stay beside it. */
  readonly metric?: number
}

export interface WantedRoutes {
  /** At most one of a family. */
  readonly routes: readonly WantedRoute[]
  /** Interfaces that shall have no default route of their own: `"default-route": []`. */
  readonly without: readonly string[]
}

type Asking = Pick<PlannedAttachment, 'ifName' | 'defaultRoute'>

/** What the attachments ask for; undefined when none of them asks. */
export function wantedRoutes(attachments: readonly Asking[]): WantedRoutes | undefined {
  const asking = attachments.filter(({ defaultRoute }) => defaultRoute !== undefined)
  if (asking.length === 0) return undefined
  return {
    routes: asking.flatMap(routesOf),
    without: asking.filter(({ defaultRoute }) => defaultRoute?.gateways.length === 0).map(({ ifName }) => ifName),
  }
}

/** Families whose routes must be looked at. */
export function familiesOf({ routes, without }: WantedRoutes): readonly Family[] {
  if (without.length > 0) return [4, 6]
  return [...new Set(routes.map(({ family }) => family))]
}

function routesOf({ ifName, defaultRoute }: Asking): readonly WantedRoute[] {
  const metric = defaultRoute?.metric === undefined ? {} : { metric: defaultRoute.metric }
  return (defaultRoute?.gateways ?? []).flatMap((gateway) => {
    const family = gatewayFamily(gateway)
    const ip = parseIp(gateway)
    return family === undefined || ip === undefined ? [] : [{ family, ifName, gateway: formatIp(unmapped(ip)), ...metric }]
  })
}
