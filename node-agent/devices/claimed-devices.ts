// Decides which devices a pod got through resource claims (DRA): claims, their allocation, the node's slices. Reads the API; needs no driver's help.
import { PlexusError } from '#api/errors'
import type { PodIdentity } from '#api/sandbox-record'
import type { KubeReader } from '#kube/client'
import type { Clock } from '#kube/process/clock'
import { withDeadline } from '#kube/process/deadline'
import { isError } from '#kube/process/is-error'
import {
  type AllocatedDevice,
  claimingPods,
  DEVICE_ID_ATTRIBUTE,
  type PodClaim,
  RESOURCE_NAME_ATTRIBUTE,
  resourceClaims,
  type ResourceSlice,
  resourceSlices,
  type SliceDevice,
} from './claim-kinds.ts'
import { type DeviceIds, deviceIds, type Granted } from './device-ids.ts'

/** For all reads of one pod together. */
const BUDGET_MS = 20_000

export interface ClaimedDevices {
  /** Devices by the resource that their driver says; none when the pod has no claims. Throws TryAgainLater or DeviceMissing. */
  find(pod: PodIdentity, signal: AbortSignal): Promise<DeviceIds>
}

export interface ClaimedDevicesOptions {
  readonly client: Pick<KubeReader, 'get' | 'list'>
  readonly nodeName: string
  readonly clock: Clock
}

export function openClaimedDevices(options: ClaimedDevicesOptions): ClaimedDevices {
  return {
    find: async (pod, signal) => {
      const what = `reading the resource claims of pod ${pod.namespace}/${pod.name}`
      const limits = { what, ms: BUDGET_MS, clock: options.clock, signals: [signal] }
      try {
        return await withDeadline(limits, (limited) => claimed(pod, options, limited))
      } catch (cause) {
        signal.throwIfAborted()
        if (cause instanceof PlexusError) throw cause
        const sentence = `${what} failed: ${isError(cause) ? cause.message : String(cause)}; kubelet tries again by itself`
        throw new PlexusError('TryAgainLater', sentence, { cause })
      }
    },
  }
}

async function claimed(pod: PodIdentity, options: ClaimedDevicesOptions, signal: AbortSignal): Promise<DeviceIds> {
  const found = await options.client.get(claimingPods, { namespace: pod.namespace, name: pod.name }, { signal })
  // Another pod of this name has other claims.
  if (found === undefined || (pod.uid !== '' && found.uid !== pod.uid)) return new Map()
  const slices = openSlices(options, signal)
  const granted = await Promise.all(found.claims.map((claim) => devicesOf(claim, { pod, options, slices, signal })))
  return deviceIds(granted.flat())
}

type Slices = (driver: string) => Promise<readonly ResourceSlice[]>

/** The node's slices of each driver, read once per look-up. */
function openSlices({ client, nodeName }: ClaimedDevicesOptions, signal: AbortSignal): Slices {
  const read = new Map<string, Promise<readonly ResourceSlice[]>>()
  const list = async (driver: string): Promise<readonly ResourceSlice[]> => {
    const found: ResourceSlice[] = []
    const selection = { fieldSelector: `spec.nodeName=${nodeName},spec.driver=${driver}` }
    for await (const { items } of client.list(resourceSlices, selection, { signal })) found.push(...items)
    return found
  }
  return (driver) => {
    const known = read.get(driver) ?? list(driver)
    read.set(driver, known)
    return known
  }
}

interface ClaimLook {
  readonly pod: PodIdentity
  readonly options: ClaimedDevicesOptions
  readonly slices: Slices
  readonly signal: AbortSignal
}

async function devicesOf({ claim, extended }: PodClaim, look: ClaimLook): Promise<readonly Granted[]> {
  const { pod, options, slices, signal } = look
  const found = await options.client.get(resourceClaims, { namespace: pod.namespace, name: claim }, { signal })
  if (found === undefined) {
    throw new PlexusError('TryAgainLater', `resource claim ${pod.namespace}/${claim} of pod ${pod.name} does not exist; create it again`)
  }
  const granted = await Promise.all(
    found.devices.map(async (allocated) => {
      const device = published(await slices(allocated.driver), allocated)
      if (device?.deviceId !== undefined && device.resource !== undefined) return [{ resource: device.resource, ids: [device.deviceId] }]
      if (extended) throw unsaid(`${pod.namespace}/${claim}`, allocated)
      return []
    }),
  )
  return granted.flat()
}

/** The device as the newest generation of its pool has it. */
function published(slices: readonly ResourceSlice[], { driver, pool, device }: AllocatedDevice): SliceDevice | undefined {
  const ofPool = slices.filter((slice) => slice.driver === driver && slice.pool === pool)
  const newest = Math.max(...ofPool.map(({ generation }) => generation))
  return ofPool.filter(({ generation }) => generation === newest).flatMap(({ devices }) => devices.filter(({ name }) => name === device))[0]
}

function unsaid(claim: string, { driver, pool, device }: AllocatedDevice): PlexusError {
  const sentence = `device ${pool}/${device} of resource claim ${claim} does not say "${DEVICE_ID_ATTRIBUTE}" and "${RESOURCE_NAME_ATTRIBUTE}" in a ResourceSlice of this node; driver ${driver} must publish both attributes`
  return new PlexusError('DeviceMissing', sentence)
}
