// Decides which running pods ask for networks but were started without Plexus, and what happens to them (`onMissed`). Looks once, at start.
import { isPlain } from '#api/annotations/keys'
import type { KubeWriter } from '#kube/client'
import type { Resource } from '#kube/resource'
import type { Pod } from '../pods/pod.ts'
import type { AttachContext } from './attach-context.ts'

const evictions: Resource<undefined> = {
  group: '',
  version: 'v1',
  kind: 'Eviction',
  plural: 'pods',
  namespaced: true,
  parse: () => undefined,
}
const EVICT_MS = 5000

/** Pods without any record. `recorded` holds `namespace/name` and uid of every sandbox. */
export function missedPods(pods: readonly Pod[], recorded: ReadonlySet<string>): readonly Pod[] {
  return pods.filter(
    (pod) =>
      pod.phase === 'Running' &&
      !pod.deleting &&
      !pod.hostNetwork &&
      !isPlain(pod.metadata.annotations) &&
      !recorded.has(podKey(pod.metadata)),
  )
}

/** Identity of a pod among records; a record without uid matches by name alone. */
export function podKey({ namespace, name, uid }: { readonly namespace: string; readonly name: string; readonly uid: string }): string {
  return `${namespace}/${name} ${uid}`
}

/** Waits for the first list of pods, then reports the missed ones and evicts them if the profile says so. */
export async function handleMissedPods(context: AttachContext, client: Pick<KubeWriter, 'create'>, signal: AbortSignal): Promise<void> {
  const { pods, journal, events, meter, log, snapshot } = context
  await pods.synced(signal)
  const recorded = new Set<string>()
  for (const containerId of await journal.list()) {
    // oxlint-disable-next-line no-await-in-loop
    const record = await journal.read(containerId)
    if (record !== undefined && record.state !== 'gone') recorded.add(podKey(record.pod))
  }
  const missed = missedPods(pods.list(), recorded)
  meter.podsMissed(missed.length)
  const evict = snapshot.profile()?.spec.onMissed === 'Evict'
  for (const { metadata } of missed) {
    const { namespace, name, uid } = metadata
    log.warn('a pod asks for networks and was started without them', { pod: `${namespace}/${name}`, evict })
    const remedy = evict ? 'it is evicted' : 'delete it to have it started again with them'
    events.warn(
      { namespace, name, uid },
      'NetworksMissed',
      `the pod asks for networks but was started while Plexus was not installed; ${remedy}`,
    )
    // One at a time: an eviction may be refused by a disruption budget, and then the next one is not better.
    // oxlint-disable-next-line no-await-in-loop
    if (evict) await evictPod(client, { namespace, name, uid }, context)
  }
}

async function evictPod(
  client: Pick<KubeWriter, 'create'>,
  pod: { readonly namespace: string; readonly name: string; readonly uid: string },
  { log }: AttachContext,
): Promise<void> {
  const { namespace, name, uid } = pod
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace, name }, deleteOptions: { preconditions: { uid } } }
  try {
    await client.create(evictions, eviction, { subresource: 'eviction', deadlineMs: EVICT_MS })
  } catch (error) {
    log.warn('a pod that missed its networks could not be evicted', { pod: `${namespace}/${name}`, error })
  }
}
