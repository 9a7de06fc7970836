// Decides whether an ADD may begin and what it shall execute; the durable record exists before the answer. Never executes a delegate.
import { NETWORKS_KEY } from '#api/annotations/keys'
import type { NetworkConfig } from '#api/cni/config'
import { PlexusError } from '#api/errors'
import { sentenceOf } from '#api/json'
import type { ProfileSpec } from '#api/kinds/node-network-profile'
import type { SandboxRecord } from '#api/sandbox-record'
import type { OperationAnswer, OperationRequest } from '#api/socket'
import { withDeadline } from '#kube/process/deadline'
import { plannedRecord } from '../journal/transitions.ts'
import { about, type AttachContext, stampNow } from './attach-context.ts'
import { findAuxiliaryChain } from '../conf/named-confs.ts'
import { forgiven } from './forgiving.ts'
import { networksOfSubnet } from './kuryr-networks.ts'
import { devicesFor } from './devices-for.ts'
import { type Plan, planAttachments } from './plan-attachments.ts'
import type { Refusal } from './requested-network.ts'
import { requestedNetworks } from './requested-networks.ts'
import { resolveNetworks } from './resolve-networks.ts'
import { readSandboxRequest, type SandboxRequest } from './sandbox-request.ts'

/** When the agent first looks whether the shim of a planned sandbox still lives. */
const FIRST_LOOK_MS = 15_000

/** `POST /v1/plan`. */
export async function plan(context: AttachContext, request: OperationRequest, signal: AbortSignal): Promise<OperationAnswer> {
  const sandbox = readSandboxRequest(request, 'ADD')
  const left = checkedTimeLeft(context, request)
  const limits = { what: 'planning the attachments', ms: left, clock: context.clock, signals: [signal] }
  return withDeadline(limits, (limited) =>
    context.byKey.run(sandbox.containerId, () => planSandbox(context, { request, sandbox, signal: limited })),
  )
}

interface Planning {
  readonly request: OperationRequest
  readonly sandbox: SandboxRequest
  readonly signal: AbortSignal
}

async function planSandbox(context: AttachContext, planning: Planning): Promise<OperationAnswer> {
  const { request, sandbox, signal } = planning
  const { journal, primary, log } = context
  const before = await journal.read(sandbox.containerId)
  if (before !== undefined) checkReplaceable(before, context, request)
  const planned = await planServed(context, sandbox, signal).catch((error: unknown) => {
    if (before === undefined) context.unplanned.set(sandbox.containerId, true)
    if (error instanceof PlexusError) context.events.warn(sandbox.pod, 'FailedAttach', error.message)
    throw error
  })
  for (const warning of planned.warnings) context.events.warn(sandbox.pod, 'NetworkIgnored', warning)

  const binDirs = primary.binDirs()
  const { attachments, annotation } = planned
  const record = plannedRecord(
    {
      ...sandboxOf(sandbox),
      binDirs: [...new Set([...sandbox.path, ...binDirs])],
      attachments,
      annotation,
      ...(planned.tke ? { tkeStatus: true } : {}),
    },
    stampNow(context),
  )
  // Nothing may be journaled for a shim that no longer waits: nobody would ever execute or undo it.
  checkedTimeLeft(context, request)
  signal.throwIfAborted()
  if (before === undefined && !(await journal.create(record))) throw owned(sandbox.containerId)
  if (before !== undefined) await journal.write(record)
  // After the record: whoever cleans up the sandbox knows of these files.
  await context.devices.files.prepare(record.attachments)
  context.later.lookAfter(sandbox.containerId, FIRST_LOOK_MS)
  log.debug('sandbox planned', { ...about(record), attachments: record.attachments.length })
  return { attachments: record.attachments, binDirs, cniVersion: record.cniVersion }
}

function sandboxOf({ containerId, pod, netns, ifName, cniVersion }: SandboxRequest) {
  return { containerId, pod, netns, ifName, cniVersion }
}

/** Milliseconds until the shim gives up; throws when that is past. */
function checkedTimeLeft({ boot }: AttachContext, { deadline }: OperationRequest): number {
  const left = deadline - boot.nowMs()
  if (left > 0) return left
  throw new PlexusError('PlanExpired', 'the agent of this node was too busy to plan this pod in time; kubelet tries again by itself')
}

/** A tombstone may be replaced by an ADD that began after it; every other record has an owner. */
function checkReplaceable(record: SandboxRecord, { boot }: AttachContext, request: OperationRequest): void {
  if (record.state !== 'gone') throw owned(record.containerId)
  if (record.bootId !== boot.id || request.startedAt >= record.changedAt) return
  throw new PlexusError(
    'SandboxOwned',
    `sandbox ${record.containerId} was deleted while its ADD was under way; the runtime must create a new sandbox`,
  )
}

function owned(containerId: string): PlexusError {
  return new PlexusError(
    'SandboxOwned',
    `sandbox ${containerId} has a record of another ADD; the runtime must DEL it first or use a new sandbox`,
  )
}

/** The plan, once what its plugins need on this node serves them. */
async function planServed(context: AttachContext, sandbox: SandboxRequest, signal: AbortSignal): ReturnType<typeof planFor> {
  const planned = await planFor(context, sandbox, signal)
  await context.dhcp.serve(sandbox.containerId, planned.attachments, signal)
  return planned
}

/** What this pod shall be attached to; throws the sentence for its owner. */
export async function planFor(
  context: AttachContext,
  sandbox: SandboxRequest,
  signal: AbortSignal,
): Promise<Plan & { readonly tke: boolean; readonly annotation: string }> {
  const profile = context.snapshot.profile()?.spec
  if (profile === undefined) {
    throw new PlexusError('TryAgainLater', 'this node has not received its NodeNetworkProfile yet; check that the Plexus operator runs')
  }
  const annotations = await annotationsOf(context, sandbox, signal)
  const { snapshot, primary } = context
  const podNamespace = sandbox.pod.namespace
  const wanted = checked(
    requestedNetworks({
      annotations,
      podNamespace,
      profile,
      ifName: sandbox.ifName,
      namespaceLabels: profile.namespaceDefaults.length === 0 ? undefined : await context.namespaceLabels.of(podNamespace, signal),
      networksOfSubnet: (subnet) => networksOfSubnet(snapshot.networks(), subnet),
    }),
  )
  const requested = forgiven(sandbox, wanted)
  const [networks, auxiliary] = await Promise.all([resolveNetworks(context, requested, signal), auxiliaryChain(context, profile)])
  const devices = await devicesFor(context, { pod: sandbox.pod, requested, networks }, signal)
  const plan = checked(planAttachments({ ...sandbox, profile, primary: primary.current(), requested, networks, auxiliary, ...devices }))
  return { ...plan, tke: requested.tke, annotation: annotations[NETWORKS_KEY] ?? '' }
}

/** What a broken file of the chain does to pods is said by its sentence: it is the administrator's own. */
async function auxiliaryChain(context: AttachContext, { auxiliaryChain: name }: ProfileSpec): Promise<NetworkConfig | undefined> {
  const found = name === undefined ? undefined : await findAuxiliaryChain(context.confDirs(), { name })
  if (found?.ok === false) throw new PlexusError('InvalidConfig', sentenceOf(found))
  return found?.config
}

/** What the runtime passed; an old runtime passes nothing, then the pod is read. */
async function annotationsOf(
  { pods }: AttachContext,
  sandbox: SandboxRequest,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const { annotations, pod } = sandbox
  if (annotations !== undefined) return annotations
  // Not a pod: somebody tries the conf by hand.
  if (pod.namespace === '' || pod.name === '') return {}
  const found = await pods.find(pod, signal).catch((cause: unknown) => {
    const sentence = `pod ${pod.namespace}/${pod.name} cannot be read from the API server, and the runtime does not pass its annotations; kubelet tries again by itself`
    throw new PlexusError('TryAgainLater', sentence, { cause })
  })
  if (found !== undefined) return found.metadata.annotations
  throw new PlexusError('TryAgainLater', `pod ${pod.namespace}/${pod.name} (uid ${pod.uid}) does not exist any more; nothing is attached`)
}

function checked<T extends { readonly ok: true }>(outcome: T | Refusal): T {
  if (!outcome.ok) throw new PlexusError(outcome.code, outcome.sentence)
  return outcome
}
