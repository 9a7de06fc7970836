// Decides what the agent holds of the operator's words: latest object per key, whole snapshots, no lower epoch. Never reads or writes anything.
import { type NetworkKey, parseNetworkKey } from '#api/ids'
import type { NodeNetworkObject, PutMessage, Revision, StreamMessage } from '#api/stream'
import { compareRevisions } from '#api/stream'
import type { Clock } from '#kube/process/clock'
import type { Snapshot } from './snapshot.ts'

/** What is kept on disk: a complete snapshot as the messages that make it. */
export interface SnapshotContents {
  readonly revision: Revision
  readonly messages: readonly PutMessage[]
}

/** The snapshot as its stream fills it. */
export interface HeldSnapshot extends Snapshot {
  /** Labels of every namespace, by name. */
  namespaces(): ReadonlyMap<string, Readonly<Record<string, string>>>
  /** The last complete snapshot; undefined before one was received. */
  contents(): SnapshotContents | undefined
  /** A stream begins: what it does not send before `synced` is gone then. `trusted`: the lease itself confirms that a lower epoch is the present one. */
  begin(trusted: boolean): void
  /** Takes one message. `LowerEpoch`: the sender is no longer the leader, nothing was changed. */
  apply(message: StreamMessage): 'applied' | 'LowerEpoch'
  /** True from `synced` to the next `begin`. */
  synced(): boolean
}

/** Opens a snapshot, from what was kept on disk when there is something. */
export function openHeldSnapshot(options: { readonly clock: Clock; readonly restored?: SnapshotContents | undefined }): HeldSnapshot {
  const { clock, restored } = options
  const objects = openObjects(restored)
  const listeners = new Set<() => void>()
  let lowest = restored?.revision.epoch ?? 0
  let heardAt = clock.monotonic()
  return {
    network: (key) => {
      const message = objects.get('network', key)
      return message?.kind === 'network' ? message.object : undefined
    },
    profile: () => {
      const message = objects.get('profile', 'profile')
      return message?.kind === 'profile' ? message.object : undefined
    },
    namespaceLabels: (name) => {
      const message = objects.get('namespace', name)
      return message?.kind === 'namespace' ? message.object.labels : undefined
    },
    revision: () => objects.revision(),
    silentForMs: () => clock.monotonic() - heardAt,
    onChange: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    networks: () => networksOf(objects.all()),
    namespaces: () =>
      new Map(objects.all().flatMap((message) => (message.kind === 'namespace' ? [[message.key, message.object.labels] as const] : []))),
    contents: () => {
      const revision = objects.revision()
      return revision === undefined || objects.collecting() ? undefined : { revision, messages: objects.all() }
    },
    begin: (trusted) => {
      if (trusted) lowest = 0
      objects.collect()
    },
    apply: (message) => {
      if (message.type !== 'ping' && message.revision.epoch < lowest) return 'LowerEpoch'
      heardAt = clock.monotonic()
      if (message.type === 'ping') return 'applied'
      lowest = message.revision.epoch
      if (objects.take(message)) for (const listener of listeners) listener()
      return 'applied'
    },
    synced: () => objects.revision() !== undefined && !objects.collecting(),
  }
}

/** Latest message per key, and which keys a new snapshot has not yet named. */
interface Objects {
  get(kind: PutMessage['kind'], key: string): PutMessage | undefined
  all(): readonly PutMessage[]
  revision(): Revision | undefined
  collecting(): boolean
  collect(): void
  /** True when listeners must hear of it. */
  take(message: Exclude<StreamMessage, { type: 'ping' }>): boolean
}

function openObjects(restored: SnapshotContents | undefined): Objects {
  const held = new Map<string, PutMessage>((restored?.messages ?? []).map((message) => [idOf(message.kind, message.key), message]))
  let revision = restored?.revision
  let unsent: Set<string> | undefined

  const put = (message: PutMessage): boolean => {
    const id = idOf(message.kind, message.key)
    const before = held.get(id)
    held.set(id, message)
    unsent?.delete(id)
    return before === undefined || JSON.stringify(before.object) !== JSON.stringify(message.object)
  }
  const finish = (at: Revision): true => {
    for (const id of unsent ?? []) held.delete(id)
    unsent = undefined
    revision = at
    return true
  }
  return {
    get: (kind, key) => held.get(idOf(kind, key)),
    all: () => [...held.values()],
    revision: () => revision,
    collecting: () => unsent !== undefined,
    collect: () => {
      // A node is uninstalled only by a profile that says so: the last profile outlives a snapshot without one.
      unsent = new Set([...held].filter(([, message]) => message.kind !== 'profile').map(([id]) => id))
    },
    take: (message) => {
      if (message.type === 'synced') return finish(message.revision)
      const changed = message.type === 'put' ? put(message) : message.kind !== 'profile' && held.delete(idOf(message.kind, message.key))
      if (unsent === undefined && revision !== undefined && compareRevisions(message.revision, revision) > 0) revision = message.revision
      return changed
    },
  }
}

function idOf(kind: PutMessage['kind'], key: string): string {
  return `${kind} ${key}`
}

function networksOf(messages: Iterable<PutMessage>): ReadonlyMap<NetworkKey, NodeNetworkObject> {
  const networks = new Map<NetworkKey, NodeNetworkObject>()
  for (const message of messages) {
    const key = message.kind === 'network' ? parseNetworkKey(message.key) : undefined
    if (key !== undefined && message.kind === 'network') networks.set(key, message.object)
  }
  return networks
}
