// Decides which devices the kubelet gave a pod: its pod-resources socket, else its checkpoint file. Never guesses when neither can be read.
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { PlexusError } from '#api/errors'
import type { PodIdentity } from '#api/sandbox-record'
import type { Clock } from '#kube/process/clock'
import { withDeadline } from '#kube/process/deadline'
import { isError } from '#kube/process/is-error'
import type { Log } from '#kube/process/log'
import { devicesInCheckpoint, MAX_CHECKPOINT_BYTES } from './checkpoint.ts'
import type { DeviceIds } from './device-ids.ts'
import { unaryCall } from './grpc-unary.ts'
import { openNextFlight } from './next-flight.ts'
import { devicesInPodResources } from './pod-resources-message.ts'

/** Files of the kubelet below its two directories. */
const SOCKET = 'kubelet.sock'
const CHECKPOINT = 'kubelet_internal_checkpoint'
const LIST = '/v1.PodResourcesLister/List'
const LIST_MS = 10_000

export interface KubeletDevices {
  /** Devices of one pod; none when the kubelet gave it none. Throws TryAgainLater when neither source can be read. */
  find(pod: PodIdentity, signal: AbortSignal): Promise<DeviceIds>
}

export interface KubeletDevicesOptions {
  /** `/var/lib/kubelet/pod-resources`. */
  readonly podResourcesDir: string
  /** `/var/lib/kubelet/device-plugins`. */
  readonly devicePluginsDir: string
  readonly clock: Clock
  readonly log: Log
}

export function openKubeletDevices(options: KubeletDevicesOptions): KubeletDevices {
  const { podResourcesDir, devicePluginsDir, clock, log } = options
  const socketPath = join(podResourcesDir, SOCKET)
  // The kubelet answers with every pod of the node and limits how often it is asked, so a herd of pods asks once.
  const list = openNextFlight(() =>
    withDeadline({ what: `asking the kubelet by ${socketPath}`, ms: LIST_MS, clock }, (signal) =>
      unaryCall({ socketPath, path: LIST, message: new Uint8Array(), signal }),
    ),
  )
  return {
    find: async (pod, signal) => {
      try {
        const message = await unlessAborted(list(), signal)
        return devicesInPodResources(message, pod) ?? new Map()
      } catch (error) {
        signal.throwIfAborted()
        log.warn('the pod-resources socket of the kubelet cannot be used; its checkpoint is read', { socket: socketPath, error })
        return fromCheckpoint(join(devicePluginsDir, CHECKPOINT), pod, error)
      }
    },
  }
}

async function fromCheckpoint(path: string, pod: PodIdentity, socketError: unknown): Promise<DeviceIds> {
  const unknown = (problem: string, cause: unknown): PlexusError => {
    const said = isError(socketError) ? socketError.message : String(socketError)
    const sentence = `the devices of pod ${pod.namespace}/${pod.name} are not known: the kubelet's pod-resources socket failed (${said}) and its checkpoint ${path} ${problem}; check the kubelet and the host paths of the agent`
    return new PlexusError('TryAgainLater', sentence, { cause })
  }
  const text = await readBounded(path).catch((cause: unknown) => {
    throw unknown('cannot be read', cause)
  })
  if (text === undefined) throw unknown(`is longer than ${MAX_CHECKPOINT_BYTES} bytes`, socketError)
  const outcome = devicesInCheckpoint(text, pod.uid)
  if (!outcome.ok) throw unknown(`is not a checkpoint (${outcome.problem})`, socketError)
  return outcome.devices
}

async function readBounded(path: string): Promise<string | undefined> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    return size > MAX_CHECKPOINT_BYTES ? undefined : await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/** The flight is shared: it goes on when one asker gives up. */
function unlessAborted<T>(flight: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    flight.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
