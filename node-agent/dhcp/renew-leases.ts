// Decides what a new DHCP daemon is told: it knows no lease, so each recorded one is asked for again, with the identity it had. Never changes a record.
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { SandboxRecord } from '#api/sandbox-record'
import type { RecordedAttachment } from '#api/socket'
import type { Log } from '#kube/process/log'
import type { PluginRunner } from '../delegates/plugin-process.ts'
import { tryLock } from '../delegates/sandbox-lock.ts'
import type { ByKey } from '../journal/by-key.ts'
import type { Journal } from '../journal/journal.ts'
import type { DaemonProcess } from './daemon-process.ts'
import { dhcpPlugins } from './dhcp-use.ts'

export interface RenewOptions {
  readonly journal: Pick<Journal, 'read'>
  readonly byKey: ByKey
  readonly runner: PluginRunner
  readonly lockDir: string
  readonly daemon: Pick<DaemonProcess, 'socket'>
  /** Searched after the record's own directories. */
  binDirs(): readonly string[]
  readonly log: Log
}

/** The daemon sends discover and request, each several times. */
const CHECK_MS = 20_000

/** True when nothing is left to ask for; false: somebody works on the sandbox, or the server did not answer, and it must be tried again. */
export function renewLeases(options: RenewOptions, containerId: string, signal: AbortSignal): Promise<boolean> {
  const { journal, byKey, lockDir } = options
  return byKey.run(containerId, async () => {
    const record = await journal.read(containerId)
    if (record?.state !== 'attached' || !(await exists(record.netns))) return true
    const lock = await tryLock(join(lockDir, containerId))
    if (lock === undefined) return false
    try {
      return await renewAll(options, { record, lockFd: lock.fd, signal })
    } finally {
      await lock.release()
    }
  })
}

interface Renewal {
  readonly record: SandboxRecord
  readonly lockFd: number
  readonly signal: AbortSignal
}

async function renewAll(options: RenewOptions, renewal: Renewal): Promise<boolean> {
  let complete = true
  for (const attachment of renewal.record.attachments) {
    // oxlint-disable-next-line no-await-in-loop
    if (!(await renew(options, renewal, attachment))) complete = false
  }
  return complete
}

/** CHECK of the reference plugin: the daemon acquires the lease when it does not hold it. */
async function renew(options: RenewOptions, { record, lockFd, signal }: Renewal, attachment: RecordedAttachment): Promise<boolean> {
  let complete = true
  for (const plugin of dhcpPlugins(attachment, options.daemon.socket)) {
    const { ifName, cniArgs, network } = attachment
    const env = { CNI_CONTAINERID: record.containerId, CNI_NETNS: record.netns, CNI_IFNAME: ifName, CNI_ARGS: cniArgs }
    const binDirs = [...new Set([...record.binDirs, ...options.binDirs()])]
    const call = { type: 'dhcp', command: 'CHECK', env, binDirs, stdin: plugin, timeoutMs: CHECK_MS, lockFd, signal } as const
    // oxlint-disable-next-line no-await-in-loop
    const error = await options.runner.run(call)
    if (error === undefined) continue
    complete = false
    const sandbox = { sandbox: record.containerId, pod: `${record.pod.namespace}/${record.pod.name}`, network, ifName }
    options.log.warn('a DHCP lease could not be taken up again; it is tried again', { ...sandbox, error: error.msg })
  }
  return complete
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
