// Puts together what runs while this replica leads: the stream's hub filled from warm stores, the controllers, the stream server. Decides nothing.
import { type Controller, startController } from '#kube/controller'
import type { Outcome } from '#kube/controller'
import type { KubeReader, KubeWriter } from '#kube/client'
import type { EventRecorder } from '#kube/events'
import type { Clock, Random } from '#kube/process/clock'
import type { Log } from '#kube/process/log'
import type { Metrics } from '#kube/process/metrics'
import { openWorkQueue, type WorkQueue } from '#kube/workqueue'
import { openKubeNetworks } from './controllers/networks/kube-networks.ts'
import { publishNetwork, reconcileNetwork } from './controllers/networks/network-controller.ts'
import { openNetworkTally } from './controllers/networks/network-tally.ts'
import { openStatusSchema } from './controllers/networks/status-schema.ts'
import { type NodeChange, takeOverNode } from './controllers/nodes/node-controller.ts'
import { openRulings } from './controllers/nodes/rulings.ts'
import { openKubeProfiles } from './controllers/profiles/kube-profiles.ts'
import { reconcileProfile } from './controllers/profiles/profile-controller.ts'
import { type Acks, openAcks } from './stream/acks.ts'
import { type Hub, openHub } from './stream/hub.ts'
import { openPresence } from './stream/presence.ts'
import { type Serving, startServing } from './stream/serving.ts'
import { openTriggers, type Queues, type Triggers } from './triggers.ts'
import type { World } from './world.ts'

export interface TermOptions {
  readonly epoch: number
  readonly world: World
  readonly client: KubeReader & KubeWriter
  readonly events: EventRecorder
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  /** Where and for whom the stream is served. */
  readonly stream: {
    readonly namespace: string
    readonly service: string
    readonly podIp: string
    readonly host: string
    readonly port: number
    readonly agentUser: string
  }
  annotateLease(annotations: Readonly<Record<string, string>>): void
}

export interface Term {
  /** Port of the stream once it is served. */
  streamPort(): number | undefined
  /** Ends every stream and every write at once. */
  stop(): Promise<void>
}

/** Agents reconnect within 30 s of a change of leaders (jitter), and need some seconds for a snapshot. */
const SETTLE_MS = 45_000
const RECONCILE_MS = 30_000

/** Starts a term of leadership. The world must have synced. */
export function startTerm(options: TermOptions): Term {
  const { world, clock, metrics } = options
  const revision = metrics.gauge({ name: 'stream_revision', help: 'Sequence of the latest revision of this leader.' }).with({})
  const hub = openHub(options.epoch, (sequence) => revision.set(sequence))
  const queues = openQueues(options)
  // The register is opened before what it triggers: nothing is answered before the stream is served.
  const late: { triggers: Triggers | undefined } = { triggers: undefined }
  const acks = openAcks({
    hub,
    onChange: ({ node, kind, key }) => {
      if (kind === 'network') late.triggers?.network(key)
      const profile = kind === 'profile' ? parts.rulings.of(node)?.profile : undefined
      if (profile !== undefined) late.triggers?.profile(profile)
    },
  })
  const parts = openParts(options, { hub, acks, onSchema: () => late.triggers?.allProfiles() })
  const triggers = openTriggers({
    world,
    queues,
    onProfiles: () => parts.rulings.learn(world.profiles.list()),
    onNamespace: (name, labels) => hub.broadcast('namespace', name, labels === undefined ? undefined : { labels }),
  })
  late.triggers = triggers
  fill(world, hub, parts)
  const controllers = startControllers(options, { queues, triggers, parts })
  triggers.allNetworks()
  triggers.allProfiles()
  const presence = openPresence({ clock, onAway: (node) => acks.forget(node) })
  const serving = startServing({
    ...options,
    ...options.stream,
    hub,
    acks,
    onPresence: (node, isConnected) => presence.seen(node, isConnected),
  })
  return {
    streamPort: () => serving.port(),
    stop: () => stopTerm({ serving, triggers, controllers, queues, stopPresence: () => presence.stop(), clear: () => parts.tally.clear() }),
  }
}

type Parts = ReturnType<typeof openParts>

function openParts(
  options: TermOptions,
  { hub, acks, onSchema }: { readonly hub: Hub; readonly acks: Acks; readonly onSchema: () => void },
) {
  const { client, world, events, clock, log, metrics } = options
  const rulings = openRulings()
  const schema = openStatusSchema({ crds: world.crds, clock, log, metrics, onChange: onSchema })
  const started = clock.monotonic()
  const isSettling = (): boolean => clock.monotonic() < started + SETTLE_MS
  const shared = { client, nodeNetworks: world.nodeNetworks, rulings, acks, events, schema, isSettling }
  return {
    rulings,
    tally: openNetworkTally(metrics),
    networks: openKubeNetworks({ ...shared, networks: world.networks, nodes: world.nodes, hub }),
    profiles: openKubeProfiles({ ...shared, profiles: world.profiles }),
    nodes: { nodes: world.nodes, nodeNetworks: world.nodeNetworks, rulings, hub, acks },
  }
}

/** Everything that nodes shall hold, before the first of them may connect: what is not in a snapshot is deleted on the node. */
function fill(world: World, hub: Hub, parts: Parts): void {
  parts.rulings.learn(world.profiles.list())
  for (const { metadata, labels } of world.namespaces.list()) hub.broadcast('namespace', metadata.name, { labels })
  for (const { metadata } of world.nodes.list()) takeOverNode(parts.nodes, metadata.name)
  for (const key of parts.networks.keys()) publishNetwork(parts.networks, key)
}

function openQueues({ clock, random, metrics }: TermOptions): Queues {
  const open = (name: string): WorkQueue => openWorkQueue({ name, clock, random, metrics })
  return { networks: open('networks'), profiles: open('profiles'), nodes: open('nodes') }
}

interface Running {
  readonly queues: Queues
  readonly triggers: Triggers
  readonly parts: Parts
}

function startControllers(options: TermOptions, { queues, triggers, parts }: Running): readonly Controller[] {
  const { clock, log, metrics } = options
  const shared = { deadlineMs: RECONCILE_MS, clock, log, metrics }
  const reconcileNode = async (name: string): Promise<Outcome> => {
    follow(takeOverNode(parts.nodes, name), triggers)
    return { kind: 'done' }
  }
  const networkOptions = { networks: parts.networks, clock, onReport: parts.tally.report }
  return [
    startController({ ...shared, name: 'nodes', queue: queues.nodes, workers: 1, reconcile: reconcileNode }),
    startController({ ...shared, name: 'networks', queue: queues.networks, workers: 2, reconcile: reconcileNetwork(networkOptions) }),
    startController({
      ...shared,
      name: 'profiles',
      queue: queues.profiles,
      workers: 1,
      reconcile: reconcileProfile({ profiles: parts.profiles, clock }),
    }),
  ]
}

/** What a changed node means for everything else. */
function follow(change: NodeChange, triggers: Triggers): void {
  if (change.ruling === 'changed') triggers.allNetworks()
  else triggers.networksOfNodeValues()
  for (const profile of change.profiles) triggers.profile(profile)
}

async function stopTerm(term: {
  readonly serving: Serving
  readonly triggers: Triggers
  readonly controllers: readonly Controller[]
  readonly queues: Queues
  stopPresence(): void
  clear(): void
}): Promise<void> {
  const serving = term.serving.stop()
  term.triggers.stop()
  term.stopPresence()
  // Without grace: another replica may lead already, and two must not write.
  await Promise.all([serving, ...term.controllers.map((controller) => controller.stop(0))])
  term.clear()
}
