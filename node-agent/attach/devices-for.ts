// Decides whether a pod's devices must be looked up at all: only when one of its networks hands out a resource. Never decides who gets which.
import type { PodIdentity } from '#api/sandbox-record'
import type { AttachContext } from './attach-context.ts'
import type { LookedUp, PlanInput } from './plan-attachments.ts'
import type { Requested } from './requested-networks.ts'

export interface DevicesAsked {
  readonly pod: PodIdentity
  readonly requested: Requested
  readonly networks: ReadonlyMap<string, LookedUp>
}

/** What `planAttachments` needs to know of devices. Throws TryAgainLater when nobody can say which devices the pod has. */
export async function devicesFor(
  { devices }: Pick<AttachContext, 'devices'>,
  asked: DevicesAsked,
  signal: AbortSignal,
): Promise<Pick<PlanInput, 'devices' | 'deviceInfoDir'>> {
  const directory = devices.infoDir === undefined ? {} : { deviceInfoDir: devices.infoDir }
  const wanted = wantedResources(asked)
  const found = wanted.size === 0 ? undefined : await devices.find(asked.pod, wanted, signal)
  return found === undefined ? directory : { ...directory, devices: found }
}

/** Resource → how many networks of the pod hand it out. */
function wantedResources({ requested, networks }: DevicesAsked): ReadonlyMap<string, number> {
  const wanted = new Map<string, number>()
  for (const { key } of [requested.primary ?? [], requested.further].flat()) {
    const found = networks.get(key)
    const resource = found?.state === 'usable' ? found.resourceName : undefined
    if (resource !== undefined) wanted.set(resource, (wanted.get(resource) ?? 0) + 1)
  }
  return wanted
}
