// Decides where the labels of a pod's namespace come from: the pushed cache, a short wait for it, or one GET. Never judges them.
import { z } from 'zod'
import { stringMap } from '#api/kinds/meta'
import type { KubeReader } from '#kube/client'
import type { Clock } from '#kube/process/clock'
import { withDeadline } from '#kube/process/deadline'
import type { Log } from '#kube/process/log'
import type { Resource } from '#kube/resource'
import type { Snapshot } from '../stream/snapshot.ts'

export interface NamespaceLabels {
  /** undefined when the namespace does not exist or nobody could say in time. */
  of(namespace: string, signal: AbortSignal): Promise<Readonly<Record<string, string>> | undefined>
}

const GET_MS = 1000
const wire = z.object({ metadata: z.object({ name: z.string(), labels: stringMap.default({}) }) })

const namespaces: Resource<z.infer<typeof wire>> = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
  parse: (value) => wire.parse(value),
}

/** A namespace that the stream has not brought is so new that its first pod may be ahead of it: it is read. */
export function openNamespaceLabels(options: {
  readonly snapshot: Pick<Snapshot, 'namespaceLabels'>
  readonly client: Pick<KubeReader, 'get'>
  readonly clock: Clock
  readonly log: Log
}): NamespaceLabels {
  const { snapshot, client, clock, log } = options
  return {
    of: async (namespace, signal) => {
      const known = snapshot.namespaceLabels(namespace)
      if (known !== undefined || namespace === '') return known ?? {}
      try {
        const limits = { what: `reading namespace ${namespace}`, ms: GET_MS, clock, signals: [signal] }
        const found = await withDeadline(limits, (limited) =>
          client.get(namespaces, { name: namespace }, { signal: limited, deadlineMs: GET_MS }),
        )
        return found?.metadata.labels
      } catch (error) {
        signal.throwIfAborted()
        log.warn('the labels of a namespace could not be read from the API server', { namespace, error })
        return undefined
      }
    },
  }
}
