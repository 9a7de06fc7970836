// Decides the course of `/delegate`: one network of a running pod, recorded before it is executed so that the pod's DEL detaches it. Never writes network-status.
import { join } from 'node:path'
import { resultAs } from '#api/cni/result-text'
import { isCniVersion } from '#api/cni/version'
import { knowsVerb, pluginInputs, withPrevResult } from '#api/cni/plugin-input'
import { PlexusError } from '#api/errors'
import { type JsonObject, sentenceOf } from '#api/json'
import type { SandboxRecord } from '#api/sandbox-record'
import { type DelegateError, PROTOCOL, type RecordedAttachment } from '#api/socket'
import { type AttachContext, stampNow } from '../attach/attach-context.ts'
import { readSandboxRequest } from '../attach/sandbox-request.ts'
import { attachOne } from '../delegates/attach-one.ts'
import { detachThese } from '../delegates/detach.ts'
import type { PluginAdder, PluginRunner } from '../delegates/plugin-process.ts'
import { tryLock } from '../delegates/sandbox-lock.ts'
import { resultOf } from '../status/network-status-of.ts'
import type { MultusAnswer } from './cni.ts'
import { type DelegateQuery, planDelegate, postedConfig } from './plan-delegate.ts'
import { checkPodVariables, DELEGATE_VERBS, type MultusRequest, verbOf } from './request.ts'

export interface DelegateOptions {
  readonly context: AttachContext
  readonly runner: PluginRunner & PluginAdder
  /** Directory of the sandboxes' locks. */
  readonly lockDir: string
}

/** A request about one sandbox whose lock is held. */
interface Locked extends DelegateQuery {
  readonly lockFd: number
}

/** `POST /delegate`. A DEL's failure is told: the pod lives on and its client can try again. */
export async function delegate(options: DelegateOptions, request: MultusRequest, signal: AbortSignal): Promise<MultusAnswer> {
  const verb = verbOf(request, DELEGATE_VERBS)
  if (verb === 'STATUS') return status(options, request, signal)
  checkPodVariables(request)
  const work = { ADD: add, DEL: del, CHECK: check }[verb]
  return inSandbox(options, { request, verb, signal }, (locked) => work(options, locked))
}

/** Runs `work` while nobody else, no shim either, works on the sandbox. */
async function inSandbox(
  { context, lockDir }: DelegateOptions,
  asked: { readonly request: MultusRequest; readonly verb: 'ADD' | 'DEL' | 'CHECK'; readonly signal: AbortSignal },
  work: (locked: Locked) => Promise<MultusAnswer>,
): Promise<MultusAnswer> {
  const { request, verb, signal } = asked
  const env = { CNI_IFNAME: 'eth0', ...request.env }
  const sandbox = readSandboxRequest({ protocol: PROTOCOL, env, config: {}, startedAt: 0, deadline: 0 }, verb)
  const { containerId } = sandbox
  return context.byKey.run(containerId, async () => {
    const lock = await tryLock(join(lockDir, containerId))
    if (lock === undefined) throw new PlexusError('SandboxBusy', `sandbox ${containerId} is being attached or detached; try again`)
    try {
      const record = await context.journal.read(containerId)
      if (record?.state !== 'attached') {
        const state = record === undefined ? 'has no record' : `is ${record.state}`
        throw new PlexusError('UnknownContainer', `sandbox ${containerId} ${state} on this node; send the id of a running pod's sandbox`)
      }
      return await work({ request, sandbox, record, signal, lockFd: lock.fd })
    } finally {
      await lock.release()
    }
  })
}

async function add(options: DelegateOptions, locked: Locked): Promise<MultusAnswer> {
  const { context } = options
  const { record, sandbox } = locked
  const planned = await planDelegate(context, locked)
  const present = record.attachments.find(({ ifName }) => ifName === sandbox.ifName)
  if (present?.pending === undefined && present?.result !== undefined && isSame(present, planned)) return answerOf(present, present.result)
  if (present !== undefined && present.pending === undefined) {
    const sentence = `${sandbox.ifName}: the pod has this interface from network ${present.network} already; choose another name`
    throw new PlexusError('InterfaceExists', sentence)
  }
  const clean = present === undefined ? record : await detachOne(options, locked, present)
  const pending: RecordedAttachment = { ...planned, pending: 'attaching' }
  const begun = await write(context, { ...clean, attachments: [...clean.attachments, pending] })
  const added = await attachOne(begun, planned, { ...options, ...locked, binDirs: context.primary.binDirs() })
  if (!added.ok) {
    // What cannot be undone now stays in the record: the pod's DEL undoes it.
    await detachOne(options, { ...locked, record: begun }, pending).catch((error: unknown) => {
      context.log.warn('a failed attachment could not be undone yet', { sandbox: record.containerId, ifName: pending.ifName, error })
    })
    throw failed('ADD', planned, added.error)
  }
  const made = { ...planned, result: added.result }
  await write(context, { ...clean, attachments: [...clean.attachments, made] })
  const parsed = resultOf(made, added.result)
  if (parsed.ok) context.events.added(record.pod, made.ifName, { network: made.network, result: parsed.result })
  return answerOf(made, added.result)
}

/** With the configuration and the result of its ADD. An interface that is not there is detached already. */
async function del(options: DelegateOptions, locked: Locked): Promise<MultusAnswer> {
  const present = locked.record.attachments.find(({ ifName }) => ifName === locked.sandbox.ifName)
  if (present === undefined) return {}
  if (present.primary) {
    const sentence = `${present.ifName}: this is the pod's primary interface, which lives as long as the pod; name another interface`
    throw new PlexusError('InvalidEnvironment', sentence)
  }
  await detachOne(options, locked, present)
  return {}
}

async function check(options: DelegateOptions, locked: Locked): Promise<MultusAnswer> {
  const { record, sandbox } = locked
  const present = record.attachments.find(({ ifName }) => ifName === sandbox.ifName)
  if (present?.result === undefined) {
    const sentence = `${sandbox.ifName}: sandbox ${record.containerId} has no such attachment; ADD it first`
    throw new PlexusError('UnknownContainer', sentence)
  }
  const env = {
    CNI_CONTAINERID: record.containerId,
    CNI_NETNS: record.netns,
    CNI_IFNAME: present.ifName,
    CNI_ARGS: present.cniArgs,
  }
  for (const plugin of present.plugins.filter((conf) => knows(conf, 'CHECK'))) {
    const call = { ...pluginOf(options, plugin), command: 'CHECK' as const, env, ...locked, timeoutMs: present.timeoutMs }
    // oxlint-disable-next-line no-await-in-loop
    const error = await options.runner.run({ ...call, stdin: withPrevResult(plugin, resultIn(plugin, present), 'CHECK') })
    if (error !== undefined) throw failed('CHECK', present, error)
  }
  return {}
}

/** STATUS of the plugins of the posted configuration; about no pod. */
async function status(options: DelegateOptions, request: MultusRequest, signal: AbortSignal): Promise<MultusAnswer> {
  const config = postedConfig(request)
  const timeoutMs = (options.context.snapshot.profile()?.spec.delegateTimeoutSeconds ?? 60) * 1000
  const env = { CNI_CONTAINERID: '', CNI_NETNS: '', CNI_IFNAME: '', CNI_ARGS: '' }
  for (const plugin of pluginInputs(config, {}).filter((conf) => knows(conf, 'STATUS'))) {
    // oxlint-disable-next-line no-await-in-loop
    const error = await options.runner.run({ ...pluginOf(options, plugin), command: 'STATUS', env, stdin: plugin, timeoutMs, signal })
    if (error !== undefined) throw failed('STATUS', { network: config.name, ifName: 'no interface' }, error)
  }
  return {}
}

/** Detaches and forgets one attachment; the record without it. What fails stays recorded, and is thrown. */
async function detachOne(options: DelegateOptions, locked: Locked, attachment: RecordedAttachment): Promise<SandboxRecord> {
  const { context } = options
  const { record } = locked
  const others = record.attachments.filter((other) => other !== attachment)
  const leaving: RecordedAttachment = { ...attachment, pending: 'detaching' }
  await write(context, { ...record, attachments: record.attachments.map((one) => (one === attachment ? leaving : one)) })
  const [outcome] = await detachThese(record, [attachment], { ...options, ...locked, binDirs: context.primary.binDirs() })
  if (outcome?.error !== undefined) throw failed('DEL', attachment, outcome.error)
  return write(context, { ...record, attachments: others })
}

async function write(context: AttachContext, record: SandboxRecord): Promise<SandboxRecord> {
  const stamped = { ...record, ...stampNow(context) }
  await context.journal.write(stamped)
  return stamped
}

/** The same network, whether it came by the annotation or by this socket. */
function isSame(present: RecordedAttachment, planned: Pick<RecordedAttachment, 'plugins'>): boolean {
  return present.plugins[0]?.['name'] === planned.plugins[0]?.['name']
}

/** In 1.0.0, which every client of this socket reads. */
function answerOf(attachment: RecordedAttachment, result: JsonObject): MultusAnswer {
  const parsed = resultOf(attachment, result)
  const written = parsed.ok ? resultAs(parsed.result, '1.0.0') : parsed
  if (!written.ok)
    throw new PlexusError('DelegateFailed', `network ${attachment.network}: its result cannot be read: ${sentenceOf(written)}`)
  return { Result: written.json }
}

function resultIn(plugin: JsonObject, attachment: RecordedAttachment): JsonObject | undefined {
  const version = plugin['cniVersion']
  const parsed = attachment.result === undefined ? undefined : resultOf(attachment, attachment.result)
  if (parsed?.ok !== true || typeof version !== 'string' || !isCniVersion(version)) return undefined
  const written = resultAs(parsed.result, version)
  return written.ok ? written.json : undefined
}

function knows(plugin: JsonObject, verb: 'CHECK' | 'STATUS'): boolean {
  const version = plugin['cniVersion']
  return typeof version === 'string' && isCniVersion(version) && knowsVerb(version, verb)
}

function pluginOf({ context }: DelegateOptions, plugin: JsonObject): { readonly type: string; readonly binDirs: readonly string[] } {
  return { type: typeof plugin['type'] === 'string' ? plugin['type'] : '', binDirs: context.primary.binDirs() }
}

function failed(verb: string, at: Pick<RecordedAttachment, 'network' | 'ifName'>, error: DelegateError): PlexusError {
  const sentence = `${verb} of network "${at.network}" on ${at.ifName}: plugin ${error.plugin}: ${error.msg}`
  return new PlexusError('DelegateFailed', sentence, { cniCode: error.code })
}
