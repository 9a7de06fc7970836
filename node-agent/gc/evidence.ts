// Decides whether every sandbox that may live on this node is known, so that what is unknown is dead. Only then may garbage be collected unasked.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { SandboxRecord } from '#api/sandbox-record'
import { withDeadline } from '#kube/process/deadline'
import type { AttachContext } from '../attach/attach-context.ts'
import { netnsName } from '../attach/netns-path.ts'
import { type CachedResult, isOwn } from '../attach/result-cache.ts'
import type { Pod } from '../pods/pod.ts'
import { liveRecords } from './collect.ts'

/** `proven`: nothing lives here that is neither recorded nor cached. Otherwise `because` names what may live. */
export type Evidence = { readonly proven: true } | { readonly proven: false; readonly because: string }

/** What is known: sandboxes by container, namespace and pod. */
export interface Known {
  readonly records: readonly SandboxRecord[]
  readonly cached: readonly CachedResult[]
}

const LOOK_MS = 10_000

/** One look at records, caches, network namespaces and pods. */
export async function lookForEvidence(context: AttachContext, signal: AbortSignal): Promise<Evidence> {
  const { clock, pods, unrecorded } = context
  const limits = { what: 'the first list of the pods of this node', ms: LOOK_MS, clock, signals: [signal] }
  const synced = await withDeadline(limits, (limited) => pods.synced(limited)).then(
    () => true,
    () => false,
  )
  signal.throwIfAborted()
  if (!synced) return unproven('the pods of this node are not known')
  const known = { records: await liveRecords(context), cached: await unrecorded.all() }
  const unknown = unknownSandbox(known) ?? unknownPod(known, pods.list())
  if (unknown !== undefined) return unproven(unknown)
  const namespace = await unknownNamespace(context, known, signal)
  return namespace === undefined ? { proven: true } : unproven(`the network namespace ${namespace} belongs to no known sandbox`)
}

function unproven(because: string): Evidence {
  return { proven: false, because }
}

/** The runtime remembers an ADD of ours whose record was lost: nobody knows its further interfaces. */
export function unknownSandbox({ records, cached }: Known): string | undefined {
  const recorded = new Set(records.map(({ containerId }) => containerId))
  const lost = cached.find((entry) => isOwn(entry) && !recorded.has(entry.containerId))
  return lost === undefined ? undefined : `sandbox ${lost.containerId} has no record`
}

/** Running pods have a sandbox, whether its namespace is seen here or not. */
export function unknownPod({ records, cached }: Known, pods: readonly Pod[]): string | undefined {
  // The API server knows a static pod by another uid than the runtime: its name must do.
  const keys = new Set([...records.filter(({ state }) => state === 'attached'), ...cached].map(({ pod }) => `${pod.namespace}/${pod.name}`))
  const isKnown = ({ metadata }: Pod): boolean => keys.has(`${metadata.namespace}/${metadata.name}`)
  const unknown = pods.find((pod) => !pod.hostNetwork && pod.phase === 'Running' && !isKnown(pod))
  return unknown === undefined ? undefined : `pod ${unknown.metadata.namespace}/${unknown.metadata.name} has no known sandbox`
}

/** A namespace that nobody knows and that has more than a loopback may hold an attachment. */
async function unknownNamespace(
  { netnsDir, netns }: AttachContext,
  { records, cached }: Known,
  signal: AbortSignal,
): Promise<string | undefined> {
  const names = new Set([...records, ...cached].map((sandbox) => netnsName(sandbox.netns)))
  for (const name of await readdir(netnsDir)) {
    if (names.has(name)) continue
    // oxlint-disable-next-line no-await-in-loop
    const state = await netns.read(join(netnsDir, name), signal).catch(() => undefined)
    signal.throwIfAborted()
    if (state === undefined || state.links.some((link) => link.name !== 'lo')) return name
  }
  return undefined
}
