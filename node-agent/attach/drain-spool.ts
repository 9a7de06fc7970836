// Decides what the agent does with DELs that shims spooled while it was away: the record says it first, then the entry goes. Never executes a delegate.
import { parseCniArgs, cniArg } from '#api/cni/args'
import { DEFAULT_CNI_VERSION } from '#api/cni/version'
import { parseContainerId } from '#api/ids'
import type { SandboxRecord, SpoolEntry } from '#api/sandbox-record'
import type { RecordedAttachment } from '#api/socket'
import type { Spool, Spooled } from '../journal/spool.ts'
import { afterDetach } from '../journal/transitions.ts'
import { type AttachContext, stampNow } from './attach-context.ts'
import { unrecordedSandbox } from './del.ts'

/** Takes over every entry; one that fails stays and is tried with the next drain. */
export async function drainSpool(context: AttachContext, spool: Spool): Promise<void> {
  for (const spooled of await spool.list()) {
    try {
      // Entries are few, and each is one fsynced change.
      // oxlint-disable-next-line no-await-in-loop
      await takeOver(context, spool, spooled)
    } catch (error) {
      context.log.error('a spooled DEL could not be taken over', { path: spooled.path, error })
    }
  }
}

async function takeOver(context: AttachContext, spool: Spool, spooled: Spooled): Promise<void> {
  const { entry } = spooled
  if (parseContainerId(entry.containerId) === undefined) {
    context.log.error('a spooled DEL names no sandbox and is dropped', { path: spooled.path, bug: true })
    await spool.remove(spooled)
    return
  }
  await context.byKey.run(entry.containerId, async () => {
    const known = await context.journal.read(entry.containerId)
    if (known?.state !== 'gone') {
      const next = await after(context, entry, known)
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

async function after(context: AttachContext, entry: SpoolEntry, known: SandboxRecord | undefined): Promise<SandboxRecord> {
  const record = known ?? unrecordedSandbox(context, sandboxOf(entry), await found(context, entry))
  // Nothing executed: nothing detached, whatever the entry lists.
  return afterDetach(record, entry.executed ? entry.outcomes : [], stampNow(context))
}

/** The runtime's cache, else the present primary. */
async function found({ unrecorded }: AttachContext, entry: SpoolEntry): Promise<readonly RecordedAttachment[]> {
  const cached = await unrecorded.cached(entry)
  return cached.length > 0 ? cached : unrecorded.primaryAlone(entry)
}

/** What an entry says of a sandbox that has no record. */
function sandboxOf({ containerId, ifName, netns, cniArgs }: SpoolEntry) {
  const parsed = parseCniArgs(cniArgs)
  const value = (key: string): string => (parsed.ok ? (cniArg(parsed.args, key) ?? '') : '')
  const pod = { namespace: value('K8S_POD_NAMESPACE'), name: value('K8S_POD_NAME'), uid: value('K8S_POD_UID') }
  return { containerId, ifName, netns, pod, cniVersion: DEFAULT_CNI_VERSION, path: [] }
}
