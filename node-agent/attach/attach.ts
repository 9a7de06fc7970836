// Wires the attach path of one agent: state directories, socket, workers. Decides the order of starting and stopping, nothing else.
import { join } from 'node:path'
import { LOCK_DIR, SANDBOX_DIR, SOCKET_PATH, SPOOL_DIR } from '#api/sandbox-record'
import type { KubeClient } from '#kube/client'
import type { EventRecorder } from '#kube/events'
import { openAtomicFiles } from '#kube/process/atomic-file'
import { openLruCache } from '#kube/process/cache'
import type { Clock, Random } from '#kube/process/clock'
import type { Health } from '#kube/process/http-endpoint'
import type { Log } from '#kube/process/log'
import type { Metrics } from '#kube/process/metrics'
import type { Boot } from '../boot.ts'
import { type DeviceDirs, openPodDevices } from '../devices/pod-devices.ts'
import { needsRemount, openPluginRunner } from '../delegates/plugin-process.ts'
import { startHotplug } from '../hotplug/start-hotplug.ts'
import type { DaemonProcess } from '../dhcp/daemon-process.ts'
import { type Dhcp, type DhcpOptions, noDhcp, startDhcp } from '../dhcp/dhcp.ts'
import type { PrimarySource } from '../install/primary-source.ts'
import { openByKey } from '../journal/by-key.ts'
import { openJournal } from '../journal/journal.ts'
import { openSpool, type Spool } from '../journal/spool.ts'
import { openOwnPods } from '../pods/own-pods.ts'
import { openPodEvents } from '../pods/pod-events.ts'
import { type Collector } from '../gc/collect.ts'
import { openTimedCollection } from '../gc/collect-by-time.ts'
import { openNetworkTurns } from '../gc/network-turns.ts'
import { type MultusApi, type MultusApiOptions, startMultusApi } from '../multus-api/multus-api.ts'
import { type KernelRoutes, openKernelRoutes } from '../routes/kernel-routes.ts'
import { openSocketServer } from '../socket/server.ts'
import { becomeSingleWriter } from '../socket/single-writer.ts'
import { openStatusWriter } from '../status/status-writer.ts'
import type { Snapshot } from '../stream/snapshot.ts'
import type { AttachContext } from './attach-context.ts'
import { type AttachCounts, countAttached } from './attach-counts.ts'
import { openAttachMeter } from './attach-meter.ts'
import { attachRoutes } from './attach-routes.ts'
import { namedConfDirs } from '../conf/conf-dir.ts'
import { drainSpool } from './drain-spool.ts'
import { every } from './every.ts'
import { handleMissedPods } from './missed-pods.ts'
import { openNamespaceLabels } from './namespace-labels.ts'
import { openNetnsReader } from './netns-state.ts'
import { openNetworkLookup } from './network-lookup.ts'
import { openNodeFacts } from './node-facts.ts'
import { rebuildLost } from './rebuild.ts'
import { openRescan } from './rescan.ts'
import { openRetryQueue, startRetry } from './retry.ts'
import { multusCacheBeside, openUnrecorded } from './unrecorded.ts'

export interface AttachOptions {
  readonly nodeName: string
  /** Durable state, /var/lib/plexus. */
  readonly stateDir: string
  /** Socket and locks, /run/plexus. */
  readonly runDir: string
  /** The runtime's conf directory: where networks with an empty spec find their conf. */
  readonly confDir: string
  /** libcni's result cache, /var/lib/cni/results. */
  readonly cniCacheDir: string
  /** Where the runtime binds network namespaces, /run/netns. */
  readonly netnsDir: string
  /** undefined: networks that hand out devices are refused. */
  readonly devices: DeviceDirs | undefined
  readonly snapshot: Snapshot
  readonly primary: PrimarySource
  readonly boot: Boot
  readonly client: KubeClient
  readonly events: EventRecorder
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  /** Different at each call, also between processes: for names of temp files. */
  readonly unique: () => string
  /** Routes of pods; the kernel's unless given. */
  readonly routes?: KernelRoutes
  /** Keeps the daemon for `ipam: dhcp`; absent: somebody else does. */
  readonly dhcpDaemon?: DaemonProcess
  /** How long to wait for the end of another agent on this node; 30 s unless given. */
  readonly takeOverMs?: number
  readonly signal?: AbortSignal
  /** Plugins and our shim in the image, searched last. */
  readonly imageBinDir?: string
  /** /run/multus; without it Multus' socket cannot be served. */
  readonly multusDir?: string | undefined
}

export interface Attach {
  readonly counts: () => AttachCounts
  /** Whether an ADD would be served now. */
  readonly ready: () => Health
  /** Accepts nothing more, lets running requests and workers end, gives the node's state free. */
  stop(): Promise<void>
}

const EVERY_MS = 60_000
const TAKE_OVER_MS = 30_000
const STOP_MS = 10_000

/** Starts serving the socket. Rejects when another agent lives on this node or a directory cannot be used. */
export async function startAttach(options: AttachOptions): Promise<Attach> {
  const { runDir, clock, log, signal } = options
  const writer = await becomeSingleWriter({
    name: runDir,
    waitMs: options.takeOverMs ?? TAKE_OVER_MS,
    clock,
    log,
    ...(signal === undefined ? {} : { signal }),
  })
  const stopping = new AbortController()
  const { context, spool, queue, dhcp, turns } = await openContext(options)
  const ready = readiness(options)
  const lockDir = join(runDir, LOCK_DIR)
  const runner = openPluginRunner({ remount: await needsRemount(), clock })
  const collector = { runner, turns, lockDir }
  const server = await openSocketServer({ path: join(runDir, SOCKET_PATH), routes: attachRoutes(context, collector), ready, clock, log })
  const retry = startRetry(context, { queue, runner, lockDir, metrics: options.metrics })
  const hotplug = startHotplug({ ...context, runner, lockDir }, options)
  const multus = serveMultus(options, { context, runner, lockDir, ready })
  const background = startBackground(context, { spool, client: options.client, collector, signal: stopping.signal })
  log.info('attach path serves', { socket: join(runDir, SOCKET_PATH), ...tally(context) })
  return {
    counts: () => countAttached(context.journal.summaries.values()),
    ready,
    stop: async () => {
      await Promise.all([server.close(STOP_MS), multus.stop(STOP_MS)])
      stopping.abort(new Error('the agent is stopping'))
      await Promise.all([retry.stop(STOP_MS), hotplug.stop(STOP_MS), background, context.pods.stop(), dhcp.stop()])
      await writer.release()
    },
  }
}

function serveMultus(options: AttachOptions, parts: Pick<MultusApiOptions, 'context' | 'runner' | 'lockDir' | 'ready'>): MultusApi {
  const { primary, imageBinDir, multusDir } = options
  const binDirs = (): readonly string[] => [...primary.binDirs(), ...(imageBinDir === undefined ? [] : [imageBinDir])]
  return startMultusApi({ ...options, ...parts, directory: multusDir, binDirs })
}

async function openContext(options: AttachOptions) {
  const { stateDir, snapshot, primary, boot, client, clock, random, log, metrics, nodeName } = options
  const files = openAtomicFiles({ unique: options.unique })
  const meter = openAttachMeter(metrics, clock)
  const onCorrupt = (): void => meter.corruptFile()
  const turns = openNetworkTurns()
  const journal = turns.guard(await openJournal({ directory: join(stateDir, SANDBOX_DIR), files, log, clock, onCorrupt }))
  const spool = await openSpool({ directory: join(stateDir, SPOOL_DIR), files, log, onCorrupt })
  const { queue, later } = openRetryQueue({ clock, random, metrics })
  const profile = () => snapshot.profile()?.spec
  const confDirs = (): readonly string[] => namedConfDirs(options.confDir, profile()?.extraConfDirs ?? [])
  const byKey = openByKey()
  const dhcp = openDhcp(options, { journal, byKey })
  const context: AttachContext = {
    journal,
    byKey,
    later,
    snapshot,
    primary,
    lookup: openNetworkLookup({
      snapshot,
      client,
      clock,
      log,
      facts: openNodeFacts({ client, nodeName, parameters: () => profile()?.parameters ?? {} }),
      confDirs,
    }),
    namespaceLabels: openNamespaceLabels({ snapshot, client, clock, log }),
    confDirs,
    unrecorded: openUnrecorded({
      runtimeCache: options.cniCacheDir,
      multusCache: multusCacheBeside(options.cniCacheDir),
      primary: () => primary.current(),
      timeoutMs: () => (profile()?.delegateTimeoutSeconds ?? 60) * 1000,
      log,
    }),
    pods: openOwnPods({ client, nodeName, clock, random, log }),
    devices: openPodDevices({ directories: options.devices, client, nodeName, clock, log }),
    status: openStatusWriter(client),
    events: openPodEvents(options.events),
    dhcp,
    routes: options.routes ?? openKernelRoutes(),
    unplanned: openLruCache({ max: 1024 }),
    meter,
    boot,
    netnsDir: options.netnsDir,
    netns: openNetnsReader(),
    clock,
    log,
  }
  return { context, spool, queue, dhcp, turns }
}

function openDhcp(options: AttachOptions, shared: Pick<DhcpOptions, 'journal' | 'byKey'>): Dhcp {
  const { dhcpDaemon: daemon, clock, random, log, primary, runDir } = options
  if (daemon === undefined) return noDhcp
  // A lease is asked for without any sysctl: nothing to remount.
  const runner = openPluginRunner({ remount: false, clock })
  const lockDir = join(runDir, LOCK_DIR)
  return startDhcp({ ...shared, daemon, runner, lockDir, binDirs: () => primary.binDirs(), clock, random, log })
}

/** Spool, lost, adopted and dead sandboxes and garbage each minute; missed pods once. Ends when `signal` aborts. */
async function startBackground(
  context: AttachContext,
  options: { readonly spool: Spool; readonly client: KubeClient; readonly collector: Collector; readonly signal: AbortSignal },
): Promise<void> {
  const { clock, log } = context
  const { spool, client, collector, signal } = options
  const rescan = openRescan(context, collector.lockDir)
  const collection = openTimedCollection(context, collector)
  const missed = handleMissedPods(context, client, signal).catch((error: unknown) => {
    if (!signal.aborted) log.error('pods that missed their networks could not be looked for', { error })
  })
  const work = async (limited: AbortSignal): Promise<void> => {
    await drainSpool(context, spool, limited)
    await rebuildLost(context, limited)
    await rescan.look(limited)
    await collection.look(limited)
  }
  await Promise.all([missed, every({ what: 'rescan of sandboxes', ms: EVERY_MS, clock, log, signal, work })])
}

function readiness({ primary, snapshot }: AttachOptions): () => Health {
  return () => {
    if (primary.current() === undefined) return { ok: false, reason: 'the primary network of this node is not known yet' }
    if (snapshot.profile() === undefined) return { ok: false, reason: 'no NodeNetworkProfile was received yet' }
    return { ok: true }
  }
}

function tally({ journal }: AttachContext): Readonly<Record<string, number>> {
  const { attached, deleting } = countAttached(journal.summaries.values())
  return { attached, deleting }
}
