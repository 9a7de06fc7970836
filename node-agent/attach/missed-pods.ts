// Decides which running pods ask for networks but were started without Plexus, and what happens to them (`onMissed`). Looks once, at start.
import { isPlain } from '#api/annotations/keys'
import type { PodIdentity, SandboxRecord } from '#api/sandbox-record'
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

/** Running pods that ask for networks and have none of these records. A record without uid matches by name. */
export function missedPods(pods: readonly Pod[], records: readonly SandboxRecord[]): readonly Pod[] {
  const recorded = new Set(records.map(({ pod }) => podKey(pod)))
  return pods.filter(({ phase, deleting, hostNetwork, hasNetworkStatus, metadata }) => {
    // With a network-status it was attached: by Multus, or by us before its record was lost.
    if (phase !== 'Running' || deleting || hostNetwork || hasNetworkStatus || isPlain(metadata.annotations)) return false
    return !recorded.has(podKey(metadata)) && !recorded.has(podKey({ ...metadata, uid: '' }))
  })
}

/** Records of attached pods that have no network-status: the agent ended between the ADD and the write. */
export function statusLess(pods: readonly Pod[], records: readonly SandboxRecord[]): readonly SandboxRecord[] {
  const without = new Set(pods.filter(({ hasNetworkStatus }) => !hasNetworkStatus).map(({ metadata }) => podKey(metadata)))
  return records.filter(({ state, statusPending, pod }) => state === 'attached' && statusPending !== true && without.has(podKey(pod)))
}

function podKey({ namespace, name, uid }: PodIdentity): string {
  return `${namespace}/${name} ${uid}`
}

/** Waits for the first list of pods, then reports the missed ones and evicts them if the profile says so. */
export async function handleMissedPods(context: AttachContext, client: Pick<KubeWriter, 'create'>, signal: AbortSignal): Promise<void> {
  const { pods, meter } = context
  await pods.synced(signal)
  const records = await readRecords(context)
  for (const { containerId } of statusLess(pods.list(), records)) {
    // oxlint-disable-next-line no-await-in-loop
    await oweAgain(context, containerId)
  }
  const missed = missedPods(pods.list(), records)
  meter.podsMissed(missed.length)
  const evict = isEvicting(context)
  for (const { metadata } of missed) {
    report(context, metadata, evict)
    // One at a time: an eviction may be refused by a disruption budget, and then the next one is not better.
    // oxlint-disable-next-line no-await-in-loop
    if (evict) await evictPod(client, metadata, context)
  }
}

function report({ events, log }: AttachContext, { namespace, name, uid }: PodIdentity, evict: boolean): void {
  log.warn('a pod asks for networks and was started without them', { pod: `${namespace}/${name}`, evict })
  events.warn({ namespace, name, uid }, 'NetworksMissed', missedSentence(evict))
}

/** What the owner of a missed pod reads; always in these words, so that it is told once. */
export function missedSentence(evict: boolean): string {
  const remedy = evict ? 'it is evicted' : 'delete it to have it started again with them'
  return `the pod asks for networks but was started while Plexus was not installed; ${remedy}`
}

/** Whether the profile says `onMissed: Evict`. */
export function isEvicting({ snapshot }: Pick<AttachContext, 'snapshot'>): boolean {
  return snapshot.profile()?.spec.onMissed === 'Evict'
}

async function readRecords({ journal }: AttachContext): Promise<readonly SandboxRecord[]> {
  const records: SandboxRecord[] = []
  for (const containerId of await journal.list()) {
    // oxlint-disable-next-line no-await-in-loop
    const record = await journal.read(containerId)
    if (record !== undefined && record.state !== 'gone') records.push(record)
  }
  return records
}

async function oweAgain({ byKey, journal, later }: AttachContext, containerId: string): Promise<void> {
  await byKey.run(containerId, async () => {
    const record = await journal.read(containerId)
    if (record?.state !== 'attached') return
    await journal.write({ ...record, statusPending: true })
    later.lookAfter(containerId, 0)
  })
}

async function evictPod(client: Pick<KubeWriter, 'create'>, pod: PodIdentity, { log }: AttachContext): Promise<void> {
  const { namespace, name, uid } = pod
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace, name }, deleteOptions: { preconditions: { uid } } }
  try {
    await client.create(evictions, eviction, { subresource: 'eviction', deadlineMs: EVICT_MS })
  } catch (error) {
    log.warn('a pod that missed its networks could not be evicted', { pod: `${namespace}/${name}`, error })
  }
}
