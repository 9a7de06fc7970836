// Wires what keeps a node as its profile says and reports it: stream, look at the node, NodeNetwork. Decides what triggers what.
import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import type { KubeClient } from '#kube/client'
import type { EventRecorder } from '#kube/events'
import type { AtomicFiles } from '#kube/process/atomic-file'
import type { Clock, Random } from '#kube/process/clock'
import type { Log } from '#kube/process/log'
import type { Metrics } from '#kube/process/metrics'
import type { Attach } from './attach/attach.ts'
import type { AgentFlags } from './flags.ts'
import { openBinaries } from './install/apply-binaries.ts'
import { openBinaryFiles } from './install/binary-files.ts'
import { executablesIn } from './install/inventory.ts'
import type { InstalledFile } from './install/installed-file.ts'
import { type NodeInfoSource, openNodeInfo } from './install/node-info.ts'
import type { PrimaryFinder } from './install/primary-finder.ts'
import { type NodeReconcile, type NodeView, openNodeReconcile } from './install/reconcile-node.ts'
import { startTriggerLoop, type TriggerLoop } from './install/trigger-loop.ts'
import { openDirWatch } from './install/watch-dirs.ts'
import { openNodeNetworks } from './report/node-networks.ts'
import type { NodeFacts } from './report/plan-node-status.ts'
import { openReporter } from './report/reporter.ts'
import { startStreamClient, type StreamClient } from './stream/client.ts'
import type { HeldSnapshot } from './stream/held-snapshot.ts'
import { type NodeRejections, openNodeRejections } from './stream/node-rejections.ts'
import { openStreamDirectory } from './stream/stream-address.ts'

export interface NodeOptions {
  readonly flags: AgentFlags
  readonly version: string
  readonly client: KubeClient
  readonly attach: Attach
  readonly events: EventRecorder
  readonly files: AtomicFiles
  readonly installed: InstalledFile
  readonly primary: PrimaryFinder
  readonly snapshot: HeldSnapshot
  readonly unique: () => string
  /** Called after every look at the node. */
  onLooked(): void
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
}

export interface NodeKeeper {
  /** The last look; undefined before the first. */
  view(): NodeView | undefined
  stop(): Promise<void>
}

const LOOK_MS = 60_000
const INFO_MS = 600_000
const REPORT_MS = 10_000

/** Starts all loops of a node. */
export function startNode(options: NodeOptions): NodeKeeper {
  const { flags, client, snapshot } = options
  const info = openNodeInfo({ client, node: flags.nodeName })
  const rejections = openNodeRejections(snapshot)
  let view: NodeView | undefined
  // Each of these triggers others; none runs before this function returned.
  const stream: StreamClient = startStream(options, { rejections, onState: () => reporting.trigger() })
  const facts = (): Omit<NodeFacts, 'generation'> => factsOf(options, { view, stream })
  const reporting: TriggerLoop = startReporting(options, { info, facts })
  const looking = startLooking(options, {
    info,
    onView: async (seen) => {
      view = seen
      await settle(options, rejections, seen)
      stream.acknowledge()
      reporting.trigger()
      options.onLooked()
    },
  })
  const asking = startAsking(options, {
    info,
    onInfo: () => {
      looking.trigger()
      reporting.trigger()
    },
  })
  return {
    view: () => view,
    stop: async () => {
      rejections.stop()
      await Promise.all([stream.stop(), looking.stop(), asking.stop(), reporting.stop()])
    },
  }
}

function startStream(
  options: NodeOptions,
  { rejections, onState }: { readonly rejections: NodeRejections; readonly onState: () => void },
): StreamClient {
  const { flags, client } = options
  return startStreamClient({
    ...options,
    node: flags.nodeName,
    servername: `plexus-operator.${flags.namespace}.svc`,
    service: flags.streamHost === undefined ? undefined : { host: flags.streamHost, port: flags.streamPort },
    tokenFile: flags.tokenFile,
    directory: openStreamDirectory({ client, namespace: flags.namespace, leaseName: flags.lease, caConfigMap: flags.caConfigMap }),
    rejections: () => rejections.current(),
    onState,
  })
}

function startReporting(
  options: NodeOptions,
  { info, facts }: { readonly info: NodeInfoSource; readonly facts: () => Omit<NodeFacts, 'generation'> },
): TriggerLoop {
  const networks = openNodeNetworks({ client: options.client, node: options.flags.nodeName })
  const reporter = openReporter({ ...options, networks, nodeInfo: info, facts })
  return startTriggerLoop({
    name: 'report the node',
    run: (signal) => reporter.run(signal),
    deadlineMs: 30_000,
    settleMs: 1000,
    everyMs: REPORT_MS,
    ...options,
  })
}

/** Looks at the node at once, after every change of snapshot or directories, and each minute. */
function startLooking(
  options: NodeOptions,
  { info, onView }: { readonly info: NodeInfoSource; readonly onView: (view: NodeView) => Promise<void> },
): TriggerLoop {
  const { snapshot, log } = options
  const reconcile = openReconcile(options, info)
  const watch = openDirWatch({ onChange: () => loop.trigger(), log })
  const run = async (): Promise<void> => {
    watch.set(watchedDirs(options))
    await onView(await reconcile.run())
  }
  const loop = startTriggerLoop({ name: 'look at the node', run, deadlineMs: 120_000, settleMs: 200, everyMs: LOOK_MS, ...options })
  const unlisten = snapshot.onChange(() => loop.trigger())
  return {
    trigger: () => loop.trigger(),
    stop: async () => {
      unlisten()
      watch.stop()
      await loop.stop()
    },
  }
}

function startAsking(options: NodeOptions, { info, onInfo }: { readonly info: NodeInfoSource; readonly onInfo: () => void }): TriggerLoop {
  const run = async (signal: AbortSignal): Promise<void> => {
    const before = JSON.stringify(info.current())
    await info.refresh(signal)
    if (JSON.stringify(info.current()) !== before) onInfo()
  }
  return startTriggerLoop({ name: 'read the Node object', run, deadlineMs: 30_000, settleMs: 1000, everyMs: INFO_MS, ...options })
}

function openReconcile(options: NodeOptions, info: NodeInfoSource): NodeReconcile {
  const { flags, attach } = options
  const files = openBinaryFiles(options)
  return openNodeReconcile({
    ...options,
    ...flags,
    binaries: openBinaries({ ...options, ...flags, files }),
    runtimeVersion: () => info.cniVersion(),
    sandboxes: () => attach.counts().attached + attach.counts().deleting,
  })
}

/** After a look, what this node can serve is known for the profile it was made with. */
async function settle({ flags, primary }: NodeOptions, rejections: NodeRejections, view: NodeView): Promise<void> {
  if (view.kind === 'unknown') return
  const binDirs = primary.binDirs()
  const plugins = await executablesIn(binDirs)
  const confs = primary.confNames()
  rejections.settled(view.profile, {
    node: flags.nodeName,
    binDirs,
    confDirs: [flags.confDir, ...view.profile.spec.extraConfDirs],
    hasPlugin: (type) => plugins.has(type),
    hasConf: (name) => confs.has(name),
  })
}

function watchedDirs({ flags, primary, snapshot }: NodeOptions): readonly string[] {
  const spec = snapshot.profile()?.spec
  const ready = spec?.readinessFile === undefined ? [] : [dirname(spec.readinessFile)]
  return [...new Set([flags.confDir, ...primary.binDirs(), ...(spec?.extraConfDirs ?? []), ...ready])]
}

function factsOf(
  { flags, version, attach, snapshot }: NodeOptions,
  { view, stream }: { readonly view: NodeView | undefined; readonly stream: StreamClient },
): Omit<NodeFacts, 'generation'> {
  const { attached, deleting, networks } = attach.counts()
  const conf = view?.kind === 'installed' && view.conf.kind === 'installed' ? view.conf : undefined
  return {
    view,
    stream: stream.state(),
    revision: snapshot.revision(),
    listening: true,
    agentVersion: version,
    conf:
      conf === undefined
        ? undefined
        : {
            path: join(flags.confDir, conf.name),
            sha256: createHash('sha256').update(conf.text).digest('hex'),
            cniVersion: conf.cniVersion,
          },
    sandboxes: { attached, deleting },
    networks,
  }
}
