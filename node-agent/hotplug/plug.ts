// Decides how one network comes to a running pod: looked up, planned as an ADD would, recorded, executed, undone when it fails. Never decides which.
import type { SandboxRecord } from '#api/sandbox-record'
import { PlexusError } from '#api/errors'
import type { DelegateError, PlannedAttachment } from '#api/socket'
import { about, stampNow } from '../attach/attach-context.ts'
import { resolveNetworks } from '../attach/resolve-networks.ts'
import { attachOne } from '../delegates/attach-one.ts'
import { detachThese } from '../delegates/detach.ts'
import { resultOf } from '../status/network-status-of.ts'
import type { HeldSandbox, HotplugContext, Step } from './hotplug-context.ts'
import { afterUnplug, attaching, attachmentMade } from './hotplug-record.ts'
import { isFinal, planAddition } from './plan-addition.ts'
import type { Addition } from './plan-hotplug.ts'

/** Attaches one network. A refusal that only an edit can end is told and is no failure. */
export async function plug(context: HotplugContext, held: HeldSandbox, addition: Addition): Promise<Step> {
  const { snapshot, primary, events } = context
  const { record, signal } = held
  const profile = snapshot.profile()?.spec
  if (profile === undefined) return { record, failures: ['this node has not received its NodeNetworkProfile yet'] }
  // Its interface is still there: what shall be detached before could not be.
  if (record.attachments.some(({ ifName }) => ifName === addition.ifName))
    return { record, failures: [`${addition.ifName} is not free yet`] }
  const found = (await resolveNetworks(context, { further: [addition] }, signal)).get(addition.key) ?? { state: 'missing' }
  const planned = planAddition({ addition, record, profile, primary: primary.current(), found })
  if (planned.ok) {
    const unserved = await notServed(context, held, planned.attachment)
    if (unserved !== undefined) return { record, failures: [unserved] }
    for (const warning of planned.warnings) events.warn(record.pod, 'NetworkIgnored', warning)
    return execute(context, held, planned.attachment)
  }
  if (isFinal(planned)) {
    events.warn(record.pod, 'InterfaceAddRejected', planned.sentence)
    return { record, failures: [] }
  }
  events.warn(record.pod, 'FailedAddingInterface', planned.sentence)
  return { record, failures: [planned.sentence] }
}

/** Why what the plugins need on this node does not serve them yet; undefined when it does. */
async function notServed(
  { dhcp, events }: HotplugContext,
  { record, signal }: HeldSandbox,
  attachment: PlannedAttachment,
): Promise<string | undefined> {
  try {
    await dhcp.serve(record.containerId, [attachment], signal)
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof PlexusError)) throw error
    events.warn(record.pod, 'FailedAddingInterface', error.message)
    return error.message
  }
}

async function execute(context: HotplugContext, held: HeldSandbox, attachment: PlannedAttachment): Promise<Step> {
  const { journal, events, log, primary, runner } = context
  const { lock, signal } = held
  const record = attaching(held.record, attachment, stampNow(context))
  await journal.write(record)
  const options = { runner, binDirs: primary.binDirs(), lockFd: lock.fd, signal }
  const outcome = await attachOne(record, attachment, options)
  // The agent is ending: the record says what the next one must undo.
  signal.throwIfAborted()
  if (!outcome.ok) return undo(context, { ...held, record }, { attachment, error: outcome.error })
  const made = { ...attachment, result: outcome.result }
  const next = attachmentMade(record, made, stampNow(context))
  await journal.write(next)
  const { network, ifName } = attachment
  const parsed = resultOf(attachment, outcome.result)
  if (parsed.ok) events.added(record.pod, ifName, { network, result: parsed.result })
  log.info('network attached to a running pod', { ...about(next), network, interface: ifName })
  return { record: next, failures: [] }
}

async function undo(
  context: HotplugContext,
  { record, lock, signal }: HeldSandbox,
  failed: { readonly attachment: PlannedAttachment; readonly error: DelegateError },
): Promise<Step> {
  const { journal, events, primary, runner } = context
  const { attachment, error } = failed
  const options = { runner, binDirs: primary.binDirs(), lockFd: lock.fd, signal }
  const outcomes = await detachThese(record, [attachment], options)
  const undone = afterUnplug(record, outcomes, stampNow(context))
  // The pod's networks are as before the try: there is nothing to say about them.
  const next = withStatusOf(record, undone)
  await journal.write(next)
  signal.throwIfAborted()
  const { network, ifName } = attachment
  const sentence = `network ${network} could not be attached as ${ifName}: ${error.plugin}: ${error.msg}; it is tried again`
  events.warn(record.pod, 'FailedAddingInterface', sentence)
  return { record: next, failures: [sentence] }
}

function withStatusOf(before: SandboxRecord, after: SandboxRecord): SandboxRecord {
  const { statusPending: _, ...rest } = after
  return before.statusPending === undefined ? rest : { ...rest, statusPending: before.statusPending }
}
