// Wires one node agent together and decides in which order it starts and stops. Decides nothing about pods, files or streams.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { NODE_FILE } from '#api/sandbox-record'
import type { KubeClient } from '#kube/client'
import { openEventRecorder } from '#kube/events'
import { type AtomicFiles, openAtomicFiles } from '#kube/process/atomic-file'
import type { Clock, Random } from '#kube/process/clock'
import { type Health, openHttpEndpoint } from '#kube/process/http-endpoint'
import type { Log } from '#kube/process/log'
import type { Metrics } from '#kube/process/metrics'
import { startAttach } from './attach/attach.ts'
import { openBoot } from './boot.ts'
import { readBounded } from './conf/conf-dir.ts'
import { type DaemonProcess, openDaemonProcess } from './dhcp/daemon-process.ts'
import type { AgentFlags } from './flags.ts'
import { type InstalledFile, openInstalledFile } from './install/installed-file.ts'
import { primaryIn } from './install/node-file.ts'
import { openPrimaryFinder, type PrimaryFinder } from './install/primary-finder.ts'
import { startReadyFile } from './install/ready-file.ts'
import type { NodeView } from './install/reconcile-node.ts'
import type { TriggerLoop } from './install/trigger-loop.ts'
import { startNode } from './node.ts'
import { notReadyReason } from './report/plan-node-status.ts'
import { type HeldSnapshot, openHeldSnapshot } from './stream/held-snapshot.ts'
import { readSnapshotFile } from './stream/snapshot-file.ts'
import { startSnapshotKeeper } from './stream/snapshot-keeper.ts'

export interface AgentOptions {
  readonly flags: AgentFlags
  readonly version: string
  readonly client: KubeClient
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  /** Ends the start; a running agent ends by `stop`. */
  readonly signal: AbortSignal
}

export interface Agent {
  /** Lets running requests end, writes what is not yet written, and never touches the conf directory. */
  stop(): Promise<void>
}

/** Starts the agent: it serves pods from what it kept on disk before it has talked to anybody. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { flags, client, log } = options
  const boot = openBoot(flags)
  const unique = uniqueNames(boot.id)
  const files = openAtomicFiles({ unique })
  const probes = await startProbes(options)
  const { snapshot, installed, primary } = await openState(options, files)
  const events = openEventRecorder({ ...options, controller: 'plexus.dev/node-agent', instance: flags.nodeName })
  const attach = await startAttach({ ...options, ...flags, ...dhcpDaemon(options), snapshot, primary, boot, events, unique })
  const keeper = startSnapshotKeeper({ ...options, snapshot, files, path: join(flags.stateDir, SNAPSHOT_FILE) })
  const node = startNode({ ...options, attach, events, files, installed, primary, snapshot, unique, onLooked: () => ready.trigger() })
  const ready: TriggerLoop = startReadyFile({
    ...options,
    runDir: flags.runDir,
    boot,
    files,
    serving: () => primary.current() !== undefined && !isPrimaryDown(node.view()),
  })
  probes.ask(() => healthOf(node.view(), snapshot))
  log.info('the agent runs', { node: flags.nodeName, version: options.version, revision: snapshot.revision() })
  return {
    stop: async () => {
      probes.ask(() => ({ ok: false, reason: 'the agent is stopping' }))
      await attach.stop()
      await Promise.all([ready.stop(), node.stop()])
      await Promise.all([keeper.stop(), events.flush()])
      await Promise.all([probes.close(), client.close()])
    },
  }
}

/** The reference plugin of the image is its own daemon. */
function dhcpDaemon({ flags, clock, log }: AgentOptions): { readonly dhcpDaemon?: DaemonProcess } {
  const { dhcpSocket: socket, imageBinDir } = flags
  return socket === undefined ? {} : { dhcpDaemon: openDaemonProcess({ binary: join(imageBinDir, 'dhcp'), socket, clock, log }) }
}

const SNAPSHOT_FILE = 'snapshot.json'

interface State {
  readonly snapshot: HeldSnapshot
  readonly installed: InstalledFile
  readonly primary: PrimaryFinder
}

/** What the agent before this one left on disk. */
async function openState({ flags, clock, log }: AgentOptions, files: AtomicFiles): Promise<State> {
  await Promise.all([flags.stateDir, flags.runDir].map((path) => mkdir(path, { recursive: true, mode: 0o700 })))
  const restored = await readSnapshotFile(join(flags.stateDir, SNAPSHOT_FILE), log)
  const snapshot = openHeldSnapshot({ clock, restored })
  const installed = await openInstalledFile(join(flags.stateDir, 'installed.json'), files)
  const nodeFile = await readBounded(join(flags.stateDir, NODE_FILE))
  return { snapshot, installed, primary: openPrimaryFinder({ ...flags, snapshot, restored: primaryIn(nodeFile ?? '') }) }
}

interface Probes {
  /** Who answers the readiness probe from now on. */
  ask(ready: () => Health): void
  close(): Promise<void>
}

/** The probes answer before anything else runs: waiting for another agent to end may take a while. */
async function startProbes({ flags, metrics, log }: AgentOptions): Promise<Probes> {
  let ready: () => Health = () => ({ ok: false, reason: 'the agent is starting' })
  const endpoint = await openHttpEndpoint({
    host: flags.httpHost,
    port: flags.httpPort,
    metrics,
    healthy: () => ({ ok: true }),
    ready: () => ready(),
    log,
  })
  return {
    ask: (next) => {
      ready = next
    },
    close: () => endpoint.close(),
  }
}

/**
 * Ready means that an ADD will succeed. A node that no profile rules is left as it was, and so are its pods: were the agent not ready there,
 * `helm install --wait` would wait for a profile that Helm creates only afterwards.
 */
function healthOf(view: NodeView | undefined, snapshot: Pick<HeldSnapshot, 'revision' | 'profile'>): Health {
  if (snapshot.revision() !== undefined && snapshot.profile() === undefined) return { ok: true }
  const reason = notReadyReason({ view, listening: true })
  return reason === undefined ? { ok: true } : { ok: false, reason }
}

/** The profile names a readiness file of the primary, and it is missing. */
function isPrimaryDown(view: NodeView | undefined): boolean {
  return view?.kind === 'installed' && view.primary.kind === 'none' && view.primary.reason === 'NotReady'
}

/** Names of temporary files: different in each process and boot. */
function uniqueNames(bootId: string): () => string {
  let count = 0
  return () => {
    count += 1
    return `${process.pid}-${bootId.slice(0, 8)}-${count}`
  }
}
