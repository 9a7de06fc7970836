// Decides how garbage of all networks is collected: what must stay is asked once per network, in its turn, and errors do not stop the rest.
import type { NetworkConfig } from '#api/cni/config'
import { gcInput } from '#api/cni/plugin-input'
import type { SandboxRecord } from '#api/sandbox-record'
import type { DelegateError, ValidAttachment } from '#api/socket'
import type { AttachContext } from '../attach/attach-context.ts'
import { type CachedResult, isOwn } from '../attach/result-cache.ts'
import type { PluginRunner } from '../delegates/plugin-process.ts'
import { type CollectedNetwork, networksToCollect } from './networks-to-collect.ts'
import type { NetworkTurns } from './network-turns.ts'
import { validAttachments } from './valid-attachments.ts'

/** What executes a collection. */
export interface Collector {
  readonly runner: PluginRunner
  readonly turns: NetworkTurns
  /** Directory of the sandboxes' locks. */
  readonly lockDir: string
}

export interface CollectionFailure {
  readonly network: string
  readonly error: DelegateError
}

/** Longest time of one plugin: pods of its network wait as long. */
const PLUGIN_MS = 10_000

/**
 * GC of every network that knows it. The caller has proof that every other sandbox is dead. `told` is what a runtime called valid.
 * Answers what failed; the others were collected.
 */
export async function collectNetworks(
  context: AttachContext,
  collector: Collector,
  options: { readonly told: readonly ValidAttachment[]; readonly signal: AbortSignal },
): Promise<readonly CollectionFailure[]> {
  const { told, signal } = options
  const records = await liveRecords(context)
  const networks = networksToCollect({ primary: context.primary.current(), configs: usableConfigs(context), records })
  // What other runtimes' plugins left can only grow by sandboxes that are recorded: read once.
  const cached = networks.length === 0 ? [] : await othersCached(context)
  const failures: CollectionFailure[] = []
  for (const network of networks) {
    signal.throwIfAborted()
    // One network after another: this is never in a hurry, and plugins share state.
    // oxlint-disable-next-line no-await-in-loop
    const failed = await collector.turns.collecting(network.name, async () => {
      const valid = validAttachments(network.name, { records: await liveRecords(context), cached, told })
      return collectOne(context, collector, { network, valid, signal })
    })
    failures.push(...failed)
  }
  return failures
}

/** Every plugin in the order of ADD, as libcni asks them; all are asked. */
async function collectOne(
  context: AttachContext,
  { runner }: Collector,
  work: { readonly network: CollectedNetwork; readonly valid: readonly ValidAttachment[]; readonly signal: AbortSignal },
): Promise<readonly CollectionFailure[]> {
  const { network, valid, signal } = work
  const failures: CollectionFailure[] = []
  for (const plugin of network.plugins) {
    // oxlint-disable-next-line no-await-in-loop
    const error = await runner.run({
      type: typeof plugin['type'] === 'string' ? plugin['type'] : '',
      command: 'GC',
      env: { CNI_CONTAINERID: '', CNI_NETNS: '', CNI_IFNAME: '', CNI_ARGS: '' },
      binDirs: context.primary.binDirs(),
      stdin: gcInput(plugin, valid),
      timeoutMs: PLUGIN_MS,
      signal,
    })
    if (error !== undefined) failures.push({ network: network.name, error })
  }
  context.log.debug('garbage of a network was collected', { network: network.name, valid: valid.length, failed: failures.length })
  return failures
}

/** Records that are not tombstones, as they are on disk. Never waits for a sandbox's own work, which may wait for a collection to end. */
export async function liveRecords({ journal }: AttachContext): Promise<readonly SandboxRecord[]> {
  const records: SandboxRecord[] = []
  for (const containerId of await journal.list()) {
    // One at a time: at a hundred sandboxes memory matters more than the milliseconds.
    // oxlint-disable-next-line no-await-in-loop
    const record = await journal.read(containerId)
    if (record !== undefined && record.state !== 'gone') records.push(record)
  }
  return records
}

async function othersCached({ unrecorded }: AttachContext): Promise<readonly CachedResult[]> {
  return (await unrecorded.all()).filter((entry) => !isOwn(entry))
}

function usableConfigs({ snapshot }: AttachContext): readonly NetworkConfig[] {
  return [...snapshot.networks().values()].flatMap((network) =>
    network.state === 'usable' && network.config !== undefined ? [network.config] : [],
  )
}
