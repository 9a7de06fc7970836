// Decides the order in which a sandbox's attachments are detached by the agent: last first, all attempted, each with the result of its ADD.
import { access } from 'node:fs/promises'
import { resultAs } from '#api/cni/result-text'
import { withPrevResult } from '#api/cni/plugin-input'
import { isCniVersion } from '#api/cni/version'
import type { JsonObject } from '#api/json'
import type { SandboxRecord } from '#api/sandbox-record'
import type { DelegateError, DetachOutcome, RecordedAttachment } from '#api/socket'
import { resultOf } from '../status/network-status-of.ts'
import type { PluginRunner } from './plugin-process.ts'

export interface DetachOptions {
  readonly runner: PluginRunner
  /** Searched after the record's own directories. */
  readonly binDirs: readonly string[]
  readonly lockFd: number
  readonly signal: AbortSignal
}

/** Executes DEL of every attachment of the record in reverse. A failure does not keep the others from being tried. */
export async function detachAll(record: SandboxRecord, options: DetachOptions): Promise<readonly DetachOutcome[]> {
  return detachThese(record, record.attachments, options)
}

/** The same for some attachments of a sandbox, given in ADD order. */
export async function detachThese(
  record: SandboxRecord,
  attachments: readonly RecordedAttachment[],
  options: DetachOptions,
): Promise<readonly DetachOutcome[]> {
  const netns = record.netns !== '' && (await exists(record.netns)) ? record.netns : ''
  const outcomes: DetachOutcome[] = []
  for (const attachment of attachments.toReversed()) {
    const { network, ifName } = attachment
    // Reverse order is the contract with plugins: the primary goes last.
    // oxlint-disable-next-line no-await-in-loop
    const error = await detach(record, attachment, { ...options, netns })
    outcomes.push(error === undefined ? { network, ifName } : { network, ifName, error })
  }
  return outcomes
}

/** Plugins of one attachment in reverse; like libcni, the first failure ends it. */
async function detach(
  record: SandboxRecord,
  attachment: RecordedAttachment,
  options: DetachOptions & { readonly netns: string },
): Promise<DelegateError | undefined> {
  const prevResult = prevResultOf(attachment)
  for (const plugin of attachment.plugins.toReversed()) {
    // oxlint-disable-next-line no-await-in-loop
    const error = await options.runner.run({
      type: typeof plugin['type'] === 'string' ? plugin['type'] : '',
      command: 'DEL',
      env: {
        CNI_CONTAINERID: record.containerId,
        CNI_NETNS: options.netns,
        CNI_IFNAME: attachment.ifName,
        CNI_ARGS: attachment.cniArgs,
      },
      binDirs: [...new Set([...record.binDirs, ...options.binDirs])],
      stdin: withPrevResult(plugin, prevResult, 'DEL'),
      timeoutMs: attachment.timeoutMs,
      lockFd: options.lockFd,
      signal: options.signal,
    })
    if (error !== undefined) return error
  }
  return undefined
}

/** The result of ADD in the version of the conf; undefined when there is none or it cannot be said in that version. */
function prevResultOf(attachment: RecordedAttachment): JsonObject | undefined {
  if (attachment.result === undefined) return undefined
  const parsed = resultOf(attachment, attachment.result)
  const version = attachment.plugins.at(-1)?.['cniVersion']
  if (!parsed.ok || typeof version !== 'string' || !isCniVersion(version)) return undefined
  const written = resultAs(parsed.result, version)
  return written.ok ? written.json : undefined
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
