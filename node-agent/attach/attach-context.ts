// Holds what the operations of the attach path share. Decides nothing.
import type { SandboxRecord } from '#api/sandbox-record'
import type { Cache } from '#kube/process/cache'
import type { Clock } from '#kube/process/clock'
import type { Log } from '#kube/process/log'
import type { Boot } from '../boot.ts'
import type { Dhcp } from '../dhcp/dhcp.ts'
import type { PodDevices } from '../devices/pod-devices.ts'
import type { PrimarySource } from '../install/primary-source.ts'
import type { ByKey } from '../journal/by-key.ts'
import type { Journal } from '../journal/journal.ts'
import type { Stamp } from '../journal/transitions.ts'
import type { OwnPods } from '../pods/own-pods.ts'
import type { PodEvents } from '../pods/pod-events.ts'
import type { KernelRoutes } from '../routes/kernel-routes.ts'
import type { StatusWriter } from '../status/status-writer.ts'
import type { Snapshot } from '../stream/snapshot.ts'
import { countAttached } from './attach-counts.ts'
import type { AttachMeter } from './attach-meter.ts'
import type { NamespaceLabels } from './namespace-labels.ts'
import type { NetnsReader } from './netns-state.ts'
import type { NetworkLookup } from './network-lookup.ts'
import type { Unrecorded } from './unrecorded.ts'

/** When a sandbox is looked at again by the agent itself; see retry.ts. */
export interface Later {
  /** Looks again after `ms`, unless an earlier time is already set. */
  lookAfter(containerId: string, ms: number): void
  /** Looks again after the sandbox's own back-off. */
  retry(containerId: string): void
}

/** Ports of one agent. */
export interface AttachContext {
  readonly journal: Journal
  /** Work on one sandbox never overlaps within the agent; between processes the flock decides. */
  readonly byKey: ByKey
  readonly later: Later
  readonly snapshot: Snapshot
  readonly primary: PrimarySource
  readonly lookup: NetworkLookup
  /** Labels of a pod's namespace; undefined when nobody can say. */
  readonly namespaceLabels: NamespaceLabels
  /** Where confs of the node are searched by name, the runtime's directory first. */
  confDirs(): readonly string[]
  readonly unrecorded: Unrecorded
  readonly pods: OwnPods
  readonly devices: PodDevices
  readonly status: StatusWriter
  readonly events: PodEvents
  readonly routes: KernelRoutes
  readonly dhcp: Pick<Dhcp, 'serve'>
  /** Sandboxes whose plan was refused before anything was recorded: their DEL has nothing to do. */
  readonly unplanned: Cache<true>
  readonly meter: AttachMeter
  readonly boot: Boot
  /** Where the runtime binds network namespaces; the agent sees this directory as the node does. */
  readonly netnsDir: string
  readonly netns: NetnsReader
  readonly clock: Clock
  readonly log: Log
}

/** The present, for a record's change. */
export function stampNow({ boot, clock }: Pick<AttachContext, 'boot' | 'clock'>): Stamp {
  return { bootId: boot.id, changedAt: boot.nowMs(), changed: clock.now().toISOString() }
}

/** Brings the gauge of unfinished deletions up to date. */
export function countQueued({ journal, meter }: Pick<AttachContext, 'journal' | 'meter'>): void {
  meter.deletionsQueued(countAttached(journal.summaries.values()).deleting)
}

/** Fields of every log line about a sandbox. */
export function about(record: Pick<SandboxRecord, 'containerId' | 'pod'>): Readonly<Record<string, string>> {
  return { sandbox: record.containerId, pod: `${record.pod.namespace}/${record.pod.name}` }
}
