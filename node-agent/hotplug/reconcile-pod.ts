// Decides the course of one look at a running pod: whose turn it is, what an edited annotation changes, when the pod is done. Idempotent.
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { NETWORKS_KEY } from '#api/annotations/keys'
import type { SandboxRecord } from '#api/sandbox-record'
import type { Outcome } from '#kube/controller'
import { about, stampNow } from '../attach/attach-context.ts'
import { isEvicting, missedSentence } from '../attach/missed-pods.ts'
import { oweStatus, payStatus } from '../attach/owed-status.ts'
import { tryLock } from '../delegates/sandbox-lock.ts'
import type { Pod } from '../pods/pod.ts'
import type { HeldSandbox, HotplugContext, Step } from './hotplug-context.ts'
import { answersTo, unsettled } from './hotplug-record.ts'
import { type HotplugPlan, planHotplug } from './plan-hotplug.ts'
import { plug } from './plug.ts'
import { findSandbox } from './find-sandbox.ts'
import { unplug } from './unplug.ts'

/** How soon to look again while somebody else works on the sandbox, or it is being made anew. */
const BUSY_MS = 500
const ANEW_MS = 5000

/** One look at the pod. `done` also when an edit was refused for good: the pod's next edit brings it back. */
export async function reconcilePod(context: HotplugContext, pod: Pod, signal: AbortSignal): Promise<Outcome> {
  if (pod.deleting || pod.phase !== 'Running') return { kind: 'done' }
  const annotation = pod.metadata.annotations[NETWORKS_KEY] ?? ''
  if (pod.hostNetwork) {
    if (annotation !== '') context.events.warn(pod.metadata, 'InterfaceAddRejected', HOST_NETWORK)
    return { kind: 'done' }
  }
  const sandbox = findSandbox(context.journal.summaries, pod.metadata)
  switch (sandbox.kind) {
    case 'attached':
      return lookAt(context, { containerIds: sandbox.containerIds, annotation, signal })
    case 'changing':
      return MADE_ANEW
    case 'none':
      if (annotation !== '') context.events.warn(pod.metadata, 'NetworksMissed', missedSentence(isEvicting(context)))
      return { kind: 'done' }
    case 'other':
      return { kind: 'done' }
    default:
      return sandbox satisfies never
  }
}

const MADE_ANEW: Outcome = { kind: 'waiting', for: "the pod's sandbox, which is made or deleted", afterMs: ANEW_MS }

interface Look {
  readonly containerIds: readonly string[]
  readonly annotation: string
  readonly signal: AbortSignal
}

async function lookAt(context: HotplugContext, { containerIds, annotation, signal }: Look): Promise<Outcome> {
  const alive = await Promise.all(containerIds.map((containerId) => isAlive(context, containerId)))
  const containerId = containerIds.find((_, index) => alive[index] === true)
  if (containerId === undefined) return MADE_ANEW
  return context.byKey.run(containerId, async () => {
    const record = await context.journal.read(containerId)
    if (record?.state !== 'attached') return MADE_ANEW
    if (answered(record, annotation) && unsettled(record).length === 0) return { kind: 'done' }
    return withLock(context, { record, signal }, annotation)
  })
}

/** The netns of an attached sandbox vanishes before anybody deletes its record. */
async function isAlive({ journal }: HotplugContext, containerId: string): Promise<boolean> {
  const record = await journal.read(containerId)
  return record?.state === 'attached' && (await exists(record.netns))
}

/** A record of networks that does not say for which annotation was made by another release: nobody knows what was asked, so it is left alone. */
function answered({ annotation, attachments }: SandboxRecord, now: string): boolean {
  if (annotation === undefined && attachments.some(({ primary }) => !primary)) return true
  return (annotation ?? '') === now
}

const HOST_NETWORK = `the pod uses the node's network (hostNetwork), which gets no further interfaces; remove the annotation ${NETWORKS_KEY} or hostNetwork`

/** A held lock is a living shim, or a delegate that outlived an agent. */
async function withLock(context: HotplugContext, look: Omit<HeldSandbox, 'lock'>, annotation: string): Promise<Outcome> {
  const lock = await tryLock(join(context.lockDir, look.record.containerId))
  if (lock === undefined) return { kind: 'waiting', for: 'the shim that works on this sandbox', afterMs: BUSY_MS }
  try {
    return await settle(context, { ...look, lock }, annotation)
  } finally {
    await lock.release()
  }
}

async function settle(context: HotplugContext, held: HeldSandbox, annotation: string): Promise<Outcome> {
  const { record, failures } = await change(context, held, annotation)
  const settled = failures.length === 0 ? answersTo(record, annotation, stampNow(context)) : record
  if (settled !== record) await context.journal.write(settled)
  if (settled.statusPending === true) await tellPod(context, settled, held.signal)
  if (failures.length > 0) return { kind: 'retry', cause: new Error(failures.join(' / ')) }
  context.log.info('pod has the networks of its annotation', { ...about(settled), attachments: settled.attachments.length })
  return { kind: 'done' }
}

/** What an agent before this one left half done goes first, then what the annotation no longer asks for, then what is new. */
async function change(context: HotplugContext, held: HeldSandbox, annotation: string): Promise<Step> {
  const left = await unplug(context, held, unsettled(held.record))
  const plan = planHotplug({ annotation, record: left.record })
  if (!plan.ok) {
    context.events.warn(held.record.pod, 'InterfaceAddRejected', plan.sentence)
    return left
  }
  tell(context, held.record, plan)
  const removed = await unplug(context, { ...held, record: left.record }, plan.remove.toReversed())
  const failures = [...left.failures, ...removed.failures]
  let { record } = removed
  for (const addition of plan.add) {
    // In the annotation's order: one may lie on top of the one before it.
    // oxlint-disable-next-line no-await-in-loop
    const step = await plug(context, { ...held, record }, addition)
    record = step.record
    failures.push(...step.failures)
  }
  return { record, failures }
}

function tell({ events }: HotplugContext, { pod }: SandboxRecord, plan: HotplugPlan): void {
  for (const { sentence } of plan.refused) events.warn(pod, 'InterfaceAddRejected', sentence)
  for (const warning of plan.warnings) events.warn(pod, 'NetworkIgnored', warning)
}

/** network-status is owed since the first change; what cannot be written now is tried again by the sandbox's own retry. */
async function tellPod(context: HotplugContext, record: SandboxRecord, signal: AbortSignal): Promise<void> {
  try {
    await payStatus(context, record, signal)
  } catch (cause) {
    signal.throwIfAborted()
    await oweStatus(context, record, cause)
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
