// Decides what the agent does with DELs that shims spooled while it was away: the record says it first, then the entry goes. Never executes a delegate.
import { DEFAULT_CNI_VERSION } from '#api/cni/version'
import { parseContainerId } from '#api/ids'
import type { SandboxRecord, SpoolEntry } from '#api/sandbox-record'
import { PROTOCOL } from '#api/socket'
import type { Spool, Spooled } from '../journal/spool.ts'
import { afterDetach } from '../journal/transitions.ts'
import { type AttachContext, stampNow } from './attach-context.ts'
import { foundAttachments, unrecordedSandbox } from './del.ts'
import { readSandboxRequest, type SandboxRequest } from './sandbox-request.ts'

/** Takes over every entry; one that fails stays and is tried with the next drain. */
export async function drainSpool(context: AttachContext, spool: Spool, signal: AbortSignal): Promise<void> {
  for (const spooled of await spool.list()) {
    try {
      // Entries are few, and each is one fsynced change.
      // oxlint-disable-next-line no-await-in-loop
      await takeOver(context, spool, { spooled, signal })
    } catch (error) {
      context.log.error('a spooled DEL could not be taken over', { path: spooled.path, error })
    }
  }
}

async function takeOver(
  context: AttachContext,
  spool: Spool,
  { spooled, signal }: { readonly spooled: Spooled; readonly signal: AbortSignal },
): Promise<void> {
  const { entry } = spooled
  if (parseContainerId(entry.containerId) === undefined) {
    context.log.error('a spooled DEL names no sandbox and is dropped', { path: spooled.path, bug: true })
    await spool.remove(spooled)
    return
  }
  await context.byKey.run(entry.containerId, async () => {
    const known = await context.journal.read(entry.containerId)
    if (known?.state !== 'gone') {
      const next = await after(context, entry, { known, signal })
      await context.journal.write(next)
      if (next.state === 'deleting') context.later.lookAfter(next.containerId, 0)
      context.log.info('a spooled DEL was taken over', {
        sandbox: entry.containerId,
        executed: entry.executed,
        left: next.attachments.length,
      })
    }
    await spool.remove(spooled)
  })
}

async function after(
  context: AttachContext,
  entry: SpoolEntry,
  { known, signal }: { readonly known: SandboxRecord | undefined; readonly signal: AbortSignal },
): Promise<SandboxRecord> {
  const record = known ?? (await unknownSandbox(context, entry, signal))
  // Nothing executed: nothing detached, whatever the entry lists.
  return afterDetach(record, entry.executed ? entry.outcomes : [], stampNow(context))
}

async function unknownSandbox(context: AttachContext, entry: SpoolEntry, signal: AbortSignal): Promise<SandboxRecord> {
  const sandbox = sandboxOf(entry)
  return unrecordedSandbox(context, sandbox, await foundAttachments(context, sandbox, { cniArgs: entry.cniArgs, signal }))
}

/** What an entry says of a sandbox that has no record. */
function sandboxOf({ containerId, ifName, netns, cniArgs, runtimeConfig = {} }: SpoolEntry): SandboxRequest {
  const env = { CNI_CONTAINERID: containerId, CNI_IFNAME: ifName, CNI_NETNS: netns, CNI_ARGS: cniArgs }
  const config = { cniVersion: DEFAULT_CNI_VERSION, runtimeConfig }
  return readSandboxRequest({ protocol: PROTOCOL, env, config, startedAt: 0, deadline: 0 }, 'DEL')
}
