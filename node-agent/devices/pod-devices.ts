// Decides where a pod's devices come from: device plugins first, resource claims for what those do not give. Never hands them out.
import type { PodIdentity } from '#api/sandbox-record'
import type { KubeReader } from '#kube/client'
import type { Clock } from '#kube/process/clock'
import type { Log } from '#kube/process/log'
import { openClaimedDevices } from './claimed-devices.ts'
import { type DeviceIds, deviceIds } from './device-ids.ts'
import { type DeviceInfoFiles, openDeviceInfoFiles } from './device-info-files.ts'
import { openKubeletDevices } from './kubelet-devices.ts'

/** Directories of a node that hands out devices. */
export interface DeviceDirs {
  readonly podResourcesDir: string
  readonly devicePluginsDir: string
  /** Device-info files, /var/run/k8s.cni.cncf.io/devinfo. */
  readonly deviceInfoDir: string
}

export interface PodDevices {
  /** Where plugins find device-info files; undefined when this agent has nothing to do with devices. */
  readonly infoDir: string | undefined
  /**
   * Devices of a pod that wants `wanted` of each resource. undefined when this agent has nothing to do with devices. Throws TryAgainLater
   * when nobody can say, DeviceMissing when a claim's driver does not say enough.
   */
  find(pod: PodIdentity, wanted: ReadonlyMap<string, number>, signal: AbortSignal): Promise<DeviceIds | undefined>
  readonly files: DeviceInfoFiles
}

export interface PodDevicesOptions {
  readonly directories: DeviceDirs | undefined
  readonly client: Pick<KubeReader, 'get' | 'list'>
  readonly nodeName: string
  readonly clock: Clock
  readonly log: Log
}

export function openPodDevices(options: PodDevicesOptions): PodDevices {
  const { directories, log } = options
  const infoDir = directories?.deviceInfoDir
  const files = openDeviceInfoFiles({ directory: infoDir, log })
  if (directories === undefined) return { infoDir, files, find: async () => undefined }
  const kubelet = openKubeletDevices({ ...options, ...directories })
  const claims = openClaimedDevices(options)
  return {
    infoDir,
    files,
    find: async (pod, wanted, signal) => {
      const plugged = await kubelet.find(pod, signal)
      const isEnough = [...wanted].every(([resource, count]) => (plugged.get(resource)?.length ?? 0) >= count)
      return isEnough ? plugged : merged(plugged, await claims.find(pod, signal))
    },
  }
}

function merged(...found: readonly DeviceIds[]): DeviceIds {
  return deviceIds(found.flatMap((devices) => [...devices].map(([resource, ids]) => ({ resource, ids }))))
}
