// Decides which change of the world makes which network, profile or node worth another look. Only enqueues keys; never looks itself.
import { isDeepStrictEqual } from 'node:util'
import type { NetworkAttachmentDefinition } from '#api/kinds/network-attachment-definition'
import type { NodeNetworkProfile } from '#api/kinds/node-network-profile'
import type { Change } from '#kube/store'
import type { WorkQueue } from '#kube/workqueue'
import type { NamespaceSeen, NodeNetworkSeen, NodeSeen } from './resources.ts'
import type { World } from './world.ts'

export interface Queues {
  readonly networks: WorkQueue
  readonly profiles: WorkQueue
  readonly nodes: WorkQueue
}

export interface Triggers {
  allNetworks(): void
  /** Networks whose config may read values of nodes. */
  networksOfNodeValues(): void
  allProfiles(): void
  network(key: string): void
  profile(name: string): void
  stop(): void
}

export interface TriggerOptions {
  readonly world: World
  readonly queues: Queues
  /** Profiles changed: they must be learned before nodes are ruled again. */
  readonly onProfiles: () => void
  readonly onNamespace: (name: string, labels: NamespaceSeen['labels'] | undefined) => void
}

/** Many acks and reports come together; one status write tells them all. A look costs time per node, so the more nodes the rarer it is. */
const GATHER_MS = 200
const GATHER_MS_PER_NODE = 0.25

export function openTriggers(options: TriggerOptions): Triggers {
  const { world, queues } = options
  const gathering = (): number => GATHER_MS + GATHER_MS_PER_NODE * world.nodes.size()
  const network = (key: string): void => queues.networks.addAfter(key, gathering())
  const profile = (name: string): void => queues.profiles.addAfter(name, gathering())
  const networksWhere = (isMeant: (object: NetworkAttachmentDefinition) => boolean): void => {
    for (const object of world.networks.list()) if (isMeant(object)) network(`${object.metadata.namespace ?? ''}/${object.metadata.name}`)
  }
  const allProfiles = (): void => {
    for (const { metadata } of world.profiles.list()) profile(metadata.name)
  }
  const triggers = {
    network,
    profile,
    allProfiles,
    allNetworks: () => networksWhere(() => true),
    networksOfNodeValues: () => networksWhere(({ spec }) => spec.config?.includes('${node.') === true),
  }
  const stops = [
    // A user waits for the answer to an edit: no gathering.
    world.networks.onChange(({ key }) => queues.networks.add(key)),
    world.profiles.onChange((change) => onProfile(options, change)),
    world.nodes.onChange((change) => onNode(queues, change)),
    world.nodeNetworks.onChange((change) => onNodeNetwork(queues, triggers, change)),
    world.namespaces.onChange((change) => onNamespace(options, change)),
    world.crds.onChange(() => {
      triggers.allNetworks()
      allProfiles()
    }),
  ]
  return {
    ...triggers,
    stop: () => {
      for (const stop of stops) stop()
    },
  }
}

function onProfile({ world, queues, onProfiles }: TriggerOptions, change: Change<NodeNetworkProfile>): void {
  queues.profiles.add(change.key)
  const isStatusOnly = change.kind === 'updated' && change.previous.metadata.generation === change.current.metadata.generation
  if (isStatusOnly) return
  onProfiles()
  for (const { metadata } of world.nodes.list()) queues.nodes.add(metadata.name)
}

function onNode(queues: Queues, change: Change<NodeSeen>): void {
  const isSame =
    change.kind === 'updated' &&
    isDeepStrictEqual(change.previous.labels, change.current.labels) &&
    isDeepStrictEqual(change.previous.annotations, change.current.annotations)
  if (!isSame) queues.nodes.add(change.key)
}

function onNodeNetwork(queues: Queues, triggers: Pick<Triggers, 'network' | 'profile'>, change: Change<NodeNetworkSeen>): void {
  const before = change.kind === 'added' ? unreported : change.previous
  const after = change.kind === 'deleted' ? unreported : change.current
  for (const key of new Set([...before.pods.keys(), ...after.pods.keys()])) {
    if (before.pods.get(key) !== after.pods.get(key)) triggers.network(key)
  }
  if (before.profile !== after.profile) queues.nodes.add(change.key)
  if (before.ready === after.ready && before.profile === after.profile) return
  for (const name of new Set([before.profile, after.profile])) if (name !== undefined) triggers.profile(name)
}

/** A node whose agent has not reported yet. */
const unreported: Pick<NodeNetworkSeen, 'pods' | 'profile' | 'ready'> = { pods: new Map(), profile: undefined, ready: false }

function onNamespace({ onNamespace: tell }: TriggerOptions, change: Change<NamespaceSeen>): void {
  if (change.kind === 'deleted') tell(change.key, undefined)
  else tell(change.key, change.current.labels)
}
