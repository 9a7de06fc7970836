// Decides how the agent attaches one network to a running sandbox: its plugins in order, each with the result before it. Never undoes anything.
import { withPrevResult } from '#api/cni/plugin-input'
import { ERRORS } from '#api/errors'
import { type JsonObject, sentenceOf } from '#api/json'
import type { SandboxRecord } from '#api/sandbox-record'
import type { PlannedAttachment } from '#api/socket'
import { resultOf } from '../status/network-status-of.ts'
import type { AddOutcome, PluginAdder } from './plugin-process.ts'

export interface AttachOneOptions {
  readonly runner: PluginAdder
  /** Searched after the record's own directories. */
  readonly binDirs: readonly string[]
  readonly lockFd: number
  readonly signal: AbortSignal
}

/**
 * ADD of every plugin; the result is the last one's. Stops at the first failure: then the caller detaches the attachment, whatever of it
 * was made. The sandbox must have a netns, and its lock must be held.
 */
export async function attachOne(
  record: Pick<SandboxRecord, 'containerId' | 'netns' | 'binDirs'>,
  attachment: PlannedAttachment,
  options: AttachOneOptions,
): Promise<AddOutcome> {
  let result: JsonObject = {}
  for (const [index, plugin] of attachment.plugins.entries()) {
    // Each plugin needs the result of the one before it.
    // oxlint-disable-next-line no-await-in-loop
    const done = await options.runner.add({
      type: typeof plugin['type'] === 'string' ? plugin['type'] : '',
      command: 'ADD',
      env: {
        CNI_CONTAINERID: record.containerId,
        CNI_NETNS: record.netns,
        CNI_IFNAME: attachment.ifName,
        CNI_ARGS: attachment.cniArgs,
      },
      binDirs: [...new Set([...record.binDirs, ...options.binDirs])],
      stdin: withPrevResult(plugin, index === 0 ? undefined : result, 'ADD'),
      timeoutMs: attachment.timeoutMs,
      lockFd: options.lockFd,
      signal: options.signal,
    })
    if (!done.ok) return done
    result = done.result
  }
  const parsed = resultOf(attachment, result)
  if (parsed.ok) return { ok: true, result }
  const plugin = attachment.plugins.at(-1)?.['type']
  const msg = `its result cannot be read: ${sentenceOf(parsed)}`
  return { ok: false, error: { plugin: typeof plugin === 'string' ? plugin : '', code: ERRORS.DelegateFailed.cni, msg } }
}
