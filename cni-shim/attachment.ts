// Decides the order of the plugins of one attachment: forwards with chained results for ADD, backwards for DEL. Never talks to the agent.
import { knowsVerb, withPrevResult } from '#api/cni/plugin-input'
import { isCniVersion } from '#api/cni/version'
import type { JsonObject } from '#api/json'
import type { DelegateError, PlannedAttachment } from '#api/socket'
import type { Call, Verb } from './call.ts'
import { type DelegateEnvironment, type DelegateRun, runDelegate } from './delegate.ts'
import type { System } from './system.ts'

/** What a call executes its delegates with. */
export interface Delegates {
  readonly system: System
  readonly call: Call
  /** Searched after CNI_PATH. */
  readonly binDirs: readonly string[]
}

/** `ran`: how many plugins were executed, the failing one included if it was started. `result`: of the last one that succeeded. */
export interface Attached {
  readonly attachment: PlannedAttachment
  readonly ran: number
  readonly result?: JsonObject
  readonly error?: DelegateError
}

/** ADD of every plugin in order, each with the result before it. Stops at the first failure. */
export function attach(delegates: Delegates, attachment: PlannedAttachment): Attached {
  let result: JsonObject | undefined
  let ran = 0
  for (const plugin of attachment.plugins) {
    const done = execute(delegates, attachment, { verb: 'ADD', plugin: withPrevResult(plugin, result, 'ADD') })
    if (done.ok || done.started) ran += 1
    if (!done.ok) return { attachment, ran, error: done.error, ...(result && { result }) }
    result = done.result
  }
  return { attachment, ran, ...(result && { result }) }
}

/** DEL of the plugins that ran, last first. All are tried; the first failure is returned. */
export function detach(delegates: Delegates, attached: Omit<Attached, 'error'>): DelegateError | undefined {
  const { attachment, ran, result } = attached
  let failure: DelegateError | undefined
  for (const plugin of attachment.plugins.slice(0, ran).toReversed()) {
    const done = execute(delegates, attachment, { verb: 'DEL', plugin: withPrevResult(plugin, result, 'DEL') })
    if (!done.ok) failure ??= done.error
  }
  return failure
}

/** CHECK of every plugin whose conf knows it, with the final result of ADD. Stops at the first failure. */
export function check(
  delegates: Delegates,
  attached: { readonly attachment: PlannedAttachment; readonly result?: JsonObject },
): DelegateError | undefined {
  const { attachment, result } = attached
  for (const plugin of attachment.plugins) {
    const version = plugin['cniVersion']
    if (typeof version !== 'string' || !isCniVersion(version) || !knowsVerb(version, 'CHECK')) continue
    const done = execute(delegates, attachment, { verb: 'CHECK', plugin: withPrevResult(plugin, result, 'CHECK') })
    if (!done.ok) return done.error
  }
  return undefined
}

function execute(
  delegates: Delegates,
  attachment: PlannedAttachment,
  step: { readonly verb: Verb; readonly plugin: JsonObject },
): ReturnType<typeof runDelegate> {
  const { system, call, binDirs } = delegates
  const env: DelegateEnvironment = {
    CNI_COMMAND: step.verb,
    CNI_CONTAINERID: call.containerId,
    CNI_NETNS: call.netns,
    CNI_IFNAME: attachment.ifName,
    CNI_ARGS: attachment.cniArgs,
  }
  const run: DelegateRun = { plugin: step.plugin, env, timeoutMs: attachment.timeoutMs, binDirs }
  return runDelegate(system, call, run)
}
