// Decides what every node shall hold and at which revision it changed: the latest object per key and node. Pure state, no I/O; never judges an object.
import type { Revision, StreamKind, StreamObjects } from '#api/stream'

/** One object at one revision, or its absence. Shared by every node that holds the same bytes. */
export interface Entry {
  readonly kind: StreamKind
  readonly key: string
  readonly revision: Revision
  /** The object as JSON; undefined: deleted. */
  readonly json: string | undefined
}

/** A connected node. Calls come synchronously, in the order of revisions. */
export interface HubClient {
  /** Something changed for this node. */
  offer(entry: Entry): void
  /** Another connection of the same node took over, or this leader ends. */
  replaced(): void
}

/** What a new client starts with. */
export interface Attached {
  /** By ascending revision. */
  readonly snapshot: readonly Entry[]
  detach(): void
}

export interface Hub {
  /** The latest revision handed out. */
  revision(): Revision
  /** Makes exactly these nodes hold these objects under the key. An object with equal bytes keeps its revision. */
  publish<K extends StreamKind>(kind: K, key: string, objects: ReadonlyMap<string, StreamObjects[K]>): void
  /** Makes one node hold this object. */
  put<K extends StreamKind>(topic: { readonly kind: K; readonly key: string }, node: string, object: StreamObjects[K]): void
  /** Makes every node, also later ones, hold this object; undefined deletes it. */
  broadcast<K extends StreamKind>(kind: K, key: string, object: StreamObjects[K] | undefined): void
  /** What a node shall hold, in no order. */
  held(node: string): readonly Entry[]
  /** What a node shall hold under one key. */
  entry(node: string, kind: StreamKind, key: string): Entry | undefined
  /** Forgets a node that no longer exists. */
  forget(node: string): void
  /** Connects a node; an older connection of it is told that it was replaced. */
  attach(node: string, client: HubClient): Attached
}

interface Topic {
  readonly kind: StreamKind
  readonly key: string
  everywhere: Entry | undefined
  readonly nodes: Map<string, Entry>
}

interface State {
  readonly topics: Map<string, Topic>
  readonly clients: Map<string, HubClient>
  next(): Revision
}

/** Opens the hub of one term of leadership. `epoch` is the lease's transition count; `onRevision` hears of every new sequence. */
export function openHub(epoch: number, onRevision: (sequence: number) => void = () => undefined): Hub {
  let sequence = 0
  const next = (): Revision => {
    sequence += 1
    onRevision(sequence)
    return { epoch, sequence }
  }
  const state: State = { topics: new Map(), clients: new Map(), next }
  return {
    revision: () => ({ epoch, sequence }),
    publish: (kind, key, objects) => publish(state, topicOf(state, kind, key), objects),
    put: ({ kind, key }, node, object) => {
      const topic = topicOf(state, kind, key)
      const json = JSON.stringify(object)
      if (topic.nodes.get(node)?.json !== json) set(state, topic, { node, entry: { kind, key, revision: next(), json } })
    },
    broadcast: (kind, key, object) => broadcast(state, topicOf(state, kind, key), object),
    held: (node) => held(state, node),
    entry: (node, kind, key) => {
      const topic = state.topics.get(idOf(kind, key))
      return topic?.everywhere ?? topic?.nodes.get(node)
    },
    forget: (node) => {
      for (const topic of state.topics.values()) {
        topic.nodes.delete(node)
        prune(state, topic)
      }
      state.clients.get(node)?.replaced()
      state.clients.delete(node)
    },
    attach: (node, client) => {
      state.clients.get(node)?.replaced()
      state.clients.set(node, client)
      const detach = (): void => void (state.clients.get(node) === client && state.clients.delete(node))
      const snapshot = held(state, node).toSorted((a, b) => a.revision.sequence - b.revision.sequence)
      return { snapshot, detach }
    },
  }
}

function idOf(kind: StreamKind, key: string): string {
  return `${kind} ${key}`
}

function topicOf({ topics }: State, kind: StreamKind, key: string): Topic {
  const id = idOf(kind, key)
  const known = topics.get(id)
  if (known !== undefined) return known
  const topic: Topic = { kind, key, everywhere: undefined, nodes: new Map() }
  topics.set(id, topic)
  return topic
}

function set({ clients }: State, topic: Topic, { node, entry }: { readonly node: string; readonly entry: Entry }): void {
  if (entry.json === undefined) topic.nodes.delete(node)
  else topic.nodes.set(node, entry)
  clients.get(node)?.offer(entry)
}

function prune({ topics }: State, topic: Topic): void {
  if (topic.everywhere === undefined && topic.nodes.size === 0) topics.delete(idOf(topic.kind, topic.key))
}

function publish(state: State, topic: Topic, objects: ReadonlyMap<string, unknown>): void {
  const { kind, key } = topic
  const fresh = new Map<string, Entry>()
  // Thousands of nodes share one object: it is turned into text once.
  const texts = new Map<unknown, string>()
  for (const [node, object] of objects) {
    const json = texts.get(object) ?? JSON.stringify(object)
    texts.set(object, json)
    if (topic.nodes.get(node)?.json === json) continue
    const entry = fresh.get(json) ?? { kind, key, revision: state.next(), json }
    fresh.set(json, entry)
    set(state, topic, { node, entry })
  }
  const gone = [...topic.nodes.keys()].filter((node) => !objects.has(node))
  if (gone.length > 0) {
    const entry = { kind, key, revision: state.next(), json: undefined }
    for (const node of gone) set(state, topic, { node, entry })
  }
  prune(state, topic)
}

function broadcast(state: State, topic: Topic, object: unknown): void {
  const { kind, key } = topic
  const json = object === undefined ? undefined : JSON.stringify(object)
  if (topic.everywhere?.json !== json) {
    const entry = { kind, key, revision: state.next(), json }
    topic.everywhere = json === undefined ? undefined : entry
    for (const client of state.clients.values()) client.offer(entry)
  }
  prune(state, topic)
}

function held({ topics }: State, node: string): readonly Entry[] {
  return [...topics.values()].map((topic) => topic.everywhere ?? topic.nodes.get(node)).filter((entry) => entry !== undefined)
}
