// Decides how the agent knows the pods of its own node: one reflector, and one GET for what it has not seen yet. Never writes to a pod.
import type { KubeReader } from '#kube/client'
import type { Clock, Random } from '#kube/process/clock'
import type { Log } from '#kube/process/log'
import { openReflector } from '#kube/reflector'
import { keyOf } from '#kube/resource'
import { type Change, openStore } from '#kube/store'
import { type Pod, pods } from './pod.ts'

/** Who is asked for. An empty uid matches any pod of that name. */
export interface PodRef {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

/** Pods that are bound to this node. */
export interface OwnPods {
  /** From the reflector, else one GET (1 s); undefined when there is no such pod. Throws KubeError when the API server did not answer. */
  find(ref: PodRef, signal: AbortSignal): Promise<Pod | undefined>
  list(): readonly Pod[]
  /** Calls `listener` for every later change; the answer unsubscribes. */
  onChange(listener: (change: Change<Pod>) => void): () => void
  /** Resolves at the first full list. */
  synced(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

const GET_MS = 1000

/** Starts following the node's pods. */
export function openOwnPods(options: {
  readonly client: KubeReader
  readonly nodeName: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}): OwnPods {
  const { client, nodeName } = options
  const store = openStore<Pod>({ log: options.log })
  const reflector = openReflector({ ...options, resource: pods, sink: store.sink, fieldSelector: `spec.nodeName=${nodeName}` })
  reflector.start()
  return {
    find: async (ref, signal) => {
      const seen = store.get(keyOf(ref))
      if (seen !== undefined && isSame(seen, ref)) return seen
      const found = await client.get(pods, { namespace: ref.namespace, name: ref.name }, { signal, deadlineMs: GET_MS })
      return found !== undefined && isSame(found, ref) ? found : undefined
    },
    list: () => store.list(),
    onChange: (listener) => store.onChange(listener),
    synced: (signal) => store.synced(signal),
    stop: () => reflector.stop(),
  }
}

/** A pod of the same name but another uid is another pod. */
function isSame(pod: Pod, { uid }: PodRef): boolean {
  return uid === '' || pod.metadata.uid === uid
}
