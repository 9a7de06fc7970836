// Decides how network-status reaches the pod: one merge patch on pods/status that only hits the pod of that uid. Never retries; its callers do.
import { NETWORK_STATUS_KEY, TKE_STATUS_KEY } from '#api/annotations/keys'
import type { PodIdentity, SandboxRecord } from '#api/sandbox-record'
import type { KubeWriter } from '#kube/client'
import { isKubeError } from '#kube/kube-error'
import { pods } from '../pods/pod.ts'
import { networkStatusOf } from './network-status-of.ts'

export interface StatusWriter {
  /**
   * Writes the sandbox's network-status. `gone`: the pod or this incarnation of it no longer exists, nothing is left to write.
   * Throws KubeError when the API server refused or did not answer within `deadlineMs`.
   */
  write(record: SandboxRecord, options: { readonly deadlineMs: number; readonly signal?: AbortSignal }): Promise<'written' | 'gone'>
}

export function openStatusWriter(client: Pick<KubeWriter, 'patch'>): StatusWriter {
  return {
    write: async (record, { deadlineMs, signal }) => {
      const { pod } = record
      if (pod.namespace === '' || pod.name === '') return 'gone'
      const value = networkStatusOf(record)
      const annotations = { [NETWORK_STATUS_KEY]: value, ...(record.tkeStatus === true ? { [TKE_STATUS_KEY]: value } : {}) }
      const body = { metadata: { ...uidOf(pod), annotations } }
      const call = { subresource: 'status', fieldManager: 'plexus-agent', patch: { type: 'merge', body }, deadlineMs, signal } as const
      try {
        await client.patch(pods, { namespace: pod.namespace, name: pod.name }, call)
        return 'written'
      } catch (error) {
        if (isGone(error)) return 'gone'
        throw error
      }
    },
  }
}

/** A pod of the same name took the place of ours: the uid in the patch is refused as a conflict or as immutable, by the server's version. */
function isGone(error: unknown): boolean {
  if (isKubeError(error, 404, 409)) return true
  return isKubeError(error, 422) && (error.causes.some(({ field }) => field === 'metadata.uid') || error.message.includes('metadata.uid'))
}

function uidOf({ uid }: PodIdentity): { readonly uid?: string } {
  return uid === '' ? {} : { uid }
}
