// Decides what a pod's owner reads in its events about its networks: each sentence once. Never on the critical path, never fails anything.
import type { CniResult } from '#api/cni/result'
import type { PodIdentity } from '#api/sandbox-record'
import type { EventRecorder } from '#kube/events'
import { openLruCache } from '#kube/process/cache'

/** How many told sentences are remembered, so that a retry of kubelet does not tell again. */
const REMEMBERED = 4096

export interface PodEvents {
  /** Normal `AddedInterface`: "Add net1 [10.1.1.2/24] from ns/nad". */
  added(pod: PodIdentity, ifName: string, from: { readonly network: string; readonly result: CniResult }): void
  /** Normal `RemovedInterface`: "Remove net1 from ns/nad". */
  removed(pod: PodIdentity, ifName: string, network: string): void
  /** Warning, once per pod, reason and message. */
  warn(pod: PodIdentity, reason: WarningReason, message: string): void
}

/** `InterfaceAddRejected`: refused until the pod changes; `Failed…Interface`: tried again. */
export type WarningReason =
  | 'FailedAttach'
  | 'NetworkStatusPending'
  | 'NetworksMissed'
  | 'NetworkIgnored'
  | 'InterfaceAddRejected'
  | 'FailedAddingInterface'
  | 'FailedRemovingInterface'

export function openPodEvents(recorder: EventRecorder): PodEvents {
  const told = openLruCache<true>({ max: REMEMBERED })
  const about = (pod: PodIdentity) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: pod.namespace, name: pod.name, ...(pod.uid === '' ? {} : { uid: pod.uid }) },
  })
  const isNamed = (pod: PodIdentity): boolean => pod.namespace !== '' && pod.name !== ''
  return {
    added: (pod, ifName, { network, result }) => {
      if (!isNamed(pod)) return
      const addresses = result.ips.map(({ address }) => address).join(' ')
      const message = `Add ${ifName} [${addresses}] from ${network}`
      recorder.record({ about: about(pod), type: 'Normal', reason: 'AddedInterface', action: 'Attach', message })
    },
    removed: (pod, ifName, network) => {
      if (!isNamed(pod)) return
      const message = `Remove ${ifName} from ${network}`
      recorder.record({ about: about(pod), type: 'Normal', reason: 'RemovedInterface', action: 'Detach', message })
    },
    warn: (pod, reason, message) => {
      const key = JSON.stringify([pod.namespace, pod.name, pod.uid, reason, message])
      if (!isNamed(pod) || told.get(key) === true) return
      told.set(key, true)
      recorder.record({ about: about(pod), type: 'Warning', reason, action: 'Attach', message })
    },
  }
}
