// Decides whether a sandbox needs its default routes moved at all, and what its record says afterwards. Pods that do not ask cost nothing.
import type { SandboxRecord } from '#api/sandbox-record'
import type { RecordedAttachment } from '#api/socket'
import type { Clock } from '#kube/process/clock'
import type { Log } from '#kube/process/log'
import type { KernelRoutes } from './kernel-routes.ts'
import { type MovedRoutes, moveDefaultRoutes } from './move-default-routes.ts'
import { routedAttachments } from './routed-results.ts'
import { wantedRoutes } from './wanted-routes.ts'

export interface RoutedSandbox extends MovedRoutes {
  /** In the same order, with results that follow the kernel. */
  readonly attachments: readonly RecordedAttachment[]
}

/** The attachments that were made; `netns` is where their interfaces are. Throws PlexusError, and then nothing has changed. */
export async function routeSandbox(
  kernel: KernelRoutes,
  sandbox: Pick<SandboxRecord, 'netns' | 'attachments'>,
  options: { readonly clock: Clock; readonly log: Log; readonly signal?: AbortSignal },
): Promise<RoutedSandbox> {
  const { netns, attachments } = sandbox
  const wanted = wantedRoutes(attachments)
  if (wanted === undefined) return { attachments, undo: async () => undefined }
  const { undo } = await moveDefaultRoutes(kernel, { netns, wanted, ...options })
  return { attachments: routedAttachments(attachments, wanted), undo }
}
