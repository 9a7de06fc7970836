// Decides that the DHCP daemon of a node lives exactly as long as sandboxes with `ipam: dhcp`, and that its leases outlive its restarts.
import { PlexusError } from '#api/errors'
import type { PlannedAttachment } from '#api/socket'
import type { Clock, Random } from '#kube/process/clock'
import { withDeadline } from '#kube/process/deadline'
import { isError } from '#kube/process/is-error'
import type { Journal } from '../journal/journal.ts'
import type { DaemonProcess } from './daemon-process.ts'
import { usesDhcp } from './dhcp-use.ts'
import { keepDaemon } from './keep-daemon.ts'
import { type RenewOptions, renewLeases } from './renew-leases.ts'

/** What the attach path asks of it. */
export interface Dhcp {
  /** Before delegates run: resolves when the daemon serves these attachments, at once when none of them needs it. Throws PlexusError. */
  serve(containerId: string, attachments: readonly Pick<PlannedAttachment, 'plugins'>[], signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

export interface DhcpOptions extends RenewOptions {
  readonly journal: Pick<Journal, 'read' | 'list' | 'summaries'>
  readonly daemon: DaemonProcess
  readonly clock: Clock
  readonly random: Random
}

const SERVE_MS = 5000
/** Between `serve` and the record of the same ADD. */
const GRACE_MS = 60_000
const AGAIN_MS = 60_000

/** For a node whose administrator runs the daemon by other means. */
export const noDhcp: Dhcp = { serve: async () => undefined, stop: async () => undefined }

export function startDhcp(options: DhcpOptions): Dhcp {
  const { clock, log } = options
  const stopping = new AbortController()
  const users = openUsers(options)
  let renewing: Promise<void> = Promise.resolve()
  let searched = false
  const keeper = keepDaemon({
    ...options,
    wanted: () => searched && users.any(),
    onServing: () => {
      users.owed()
      renewing = renewing.then(() => renewOwed(options, users, stopping.signal))
    },
  })
  const search = async (): Promise<void> => {
    try {
      await users.find(stopping.signal)
    } catch (error) {
      log.error('records could not be searched for DHCP leases', { error })
    }
    searched = true
    keeper.wake()
  }
  const searching = search()
  return {
    serve: async (containerId, attachments, signal) => {
      if (!usesDhcp(attachments, options.daemon.socket)) return
      users.add(containerId)
      const limits = { what: 'waiting for the DHCP daemon', ms: SERVE_MS, clock, signals: [signal, stopping.signal] }
      await withDeadline(limits, (limited) => keeper.serving(limited)).catch((cause: unknown) => {
        const why = isError(cause) ? cause.message : String(cause)
        const sentence = `ipam dhcp: the DHCP daemon of this node does not serve (${why}); kubelet tries again by itself, and the agent's log says more`
        throw new PlexusError('TryAgainLater', sentence, { cause })
      })
    },
    stop: async () => {
      stopping.abort(new Error('the agent is stopping'))
      await Promise.all([keeper.stop(), searching, renewing])
    },
  }
}

/** Sandboxes that use the daemon, and those whose leases it must still be told. */
interface Users {
  add(containerId: string): void
  /** Finds those of an earlier agent. */
  find(signal: AbortSignal): Promise<void>
  /** Whether there are any; forgets those that are gone. */
  readonly any: () => boolean
  /** Every recorded one is owed to a new daemon. */
  owed(): void
  /** Owed and still recorded. */
  debts(): readonly string[]
  paid(containerId: string): void
}

function openUsers({ journal, clock, daemon }: Pick<DhcpOptions, 'journal' | 'clock' | 'daemon'>): Users {
  const since = new Map<string, number>()
  const debts = new Set<string>()
  const isRecorded = (containerId: string): boolean => (journal.summaries.get(containerId)?.state ?? 'gone') !== 'gone'
  const forgetGone = (): void => {
    for (const [containerId, at] of since) {
      if (isRecorded(containerId) || clock.monotonic() - at < GRACE_MS) continue
      since.delete(containerId)
      debts.delete(containerId)
    }
  }
  return {
    add: (containerId) => void since.set(containerId, clock.monotonic()),
    find: async (signal) => {
      for (const containerId of await journal.list()) {
        if (signal.aborted) return
        // One at a time: at start memory matters more than the milliseconds.
        // oxlint-disable-next-line no-await-in-loop
        const record = await journal.read(containerId)
        if (record === undefined || record.state === 'gone' || !usesDhcp(record.attachments, daemon.socket)) continue
        since.set(containerId, clock.monotonic())
        debts.add(containerId)
      }
    },
    any: () => {
      forgetGone()
      return since.size > 0
    },
    owed: () => {
      for (const containerId of since.keys()) debts.add(containerId)
    },
    debts: () => [...debts].filter(isRecorded),
    paid: (containerId) => void debts.delete(containerId),
  }
}

/** Renews until nothing is owed; a sandbox at a time, so that a segment is not flooded. Never rejects. */
async function renewOwed(options: DhcpOptions, users: Users, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && users.debts().length > 0) {
    for (const containerId of users.debts()) {
      // oxlint-disable-next-line no-await-in-loop
      if (!signal.aborted) await renewOne(options, { users, containerId, signal })
    }
    // oxlint-disable-next-line no-await-in-loop
    if (users.debts().length > 0) await options.clock.sleep(AGAIN_MS, signal).catch(() => undefined)
  }
}

async function renewOne(
  options: DhcpOptions,
  { users, containerId, signal }: { readonly users: Users; readonly containerId: string; readonly signal: AbortSignal },
): Promise<void> {
  try {
    if (await renewLeases(options, containerId, signal)) users.paid(containerId)
  } catch (error) {
    options.log.error('DHCP leases of a sandbox could not be renewed', { sandbox: containerId, error })
  }
}
