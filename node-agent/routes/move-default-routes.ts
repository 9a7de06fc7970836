// Decides the course of a change of default routes: read, write, read again, and the former routes come back when anything failed (spec/attachments 1.11).
import { PlexusError } from '#api/errors'
import type { Clock } from '#kube/process/clock'
import { withDeadline } from '#kube/process/deadline'
import type { Log } from '#kube/process/log'
import type { KernelRoute } from './kernel-route.ts'
import type { KernelRoutes } from './kernel-routes.ts'
import { planRoutes, restoreLines, routeMismatch } from './plan-routes.ts'
import { familiesOf, type WantedRoutes } from './wanted-routes.ts'

export interface MoveOptions {
  readonly netns: string
  readonly wanted: WantedRoutes
  readonly clock: Clock
  readonly log: Log
  readonly signal?: AbortSignal
}

/** A change that was made and verified. */
export interface MovedRoutes {
  /** Brings the former routes back, as far as their interfaces still exist. Never throws: a failure is logged. */
  readonly undo: () => Promise<void>
}

/** The commit that this is part of has 10 s, of which the status write takes up to 2. */
const MOVE_MS = 5000
const RESTORE_MS = 2000

/** Makes the pod's default routes as wanted, all of them or none. Throws PlexusError when the former routes are back, or could not be brought back. */
export async function moveDefaultRoutes(kernel: KernelRoutes, options: MoveOptions): Promise<MovedRoutes> {
  const { netns, wanted, clock, signal } = options
  const limits = { what: 'changing the default routes', ms: MOVE_MS, clock, signals: [signal] }
  const read = (within: AbortSignal): Promise<readonly KernelRoute[]> => readAll(kernel, { netns, wanted }, within)
  const former = await withDeadline({ ...limits, what: 'reading the default routes' }, read)
  const plan = planRoutes(wanted, former)
  if (!plan.ok) throw failed(`${plan.route.gateway} over ${plan.route.ifName}: ${plan.problem}`)
  const undo = (): Promise<void> => restore(kernel, options, former)
  try {
    await withDeadline(limits, async (within) => {
      const refused = await kernel.write(netns, plan.lines, within)
      if (refused !== undefined) throw failed(`${sayRoutes(wanted)}: the kernel says "${refused}"; ${REMEDY}`)
      const mismatch = plan.lines.length === 0 ? undefined : routeMismatch(wanted, await read(within))
      if (mismatch !== undefined) throw failed(`${sayRoutes(wanted)}: ${mismatch}; look for what else changes routes in the pod`)
    })
  } catch (error) {
    await undo()
    throw error
  }
  return { undo }
}

const REMEDY = 'give a gateway in the subnet of that interface'

function failed(what: string): PlexusError {
  return new PlexusError('DefaultRouteFailed', `default-route ${what}`)
}

function sayRoutes({ routes, without }: WantedRoutes): string {
  return [...routes.map(({ gateway, ifName }) => `${gateway} over ${ifName}`), ...without.map((ifName) => `none over ${ifName}`)].join(', ')
}

async function readAll(
  kernel: KernelRoutes,
  { netns, wanted }: Pick<MoveOptions, 'netns' | 'wanted'>,
  signal: AbortSignal,
): Promise<readonly KernelRoute[]> {
  return (await Promise.all(familiesOf(wanted).map((family) => kernel.read(netns, family, signal)))).flat()
}

/** Has a limit of its own: the caller's time may be what ran out. */
async function restore(kernel: KernelRoutes, options: MoveOptions, former: readonly KernelRoute[]): Promise<void> {
  const { netns, clock, log } = options
  try {
    await withDeadline({ what: 'restoring the default routes', ms: RESTORE_MS, clock }, async (signal) => {
      const refused = await kernel.write(netns, restoreLines(former, await readAll(kernel, options, signal)), signal)
      if (refused !== undefined) throw failed(`cannot be restored: the kernel says "${refused}"`)
    })
  } catch (error) {
    log.error('former default routes could not be restored', { netns, error })
  }
}
