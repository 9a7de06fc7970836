// Decides what a process remembers of one resource: objects by key, named indexes, and who hears of a change. Never talks to the API server.
import type { Log } from './process/log.ts'
import type { KubeObject } from './resource.ts'
import { keyOf } from './resource.ts'
import { openStoreIndex } from './store-index.ts'

/** One accepted change. Listeners get the old and the new object; they must only enqueue keys. */
export type Change<T> =
  | { readonly kind: 'added'; readonly key: string; readonly current: T }
  | { readonly kind: 'updated'; readonly key: string; readonly previous: T; readonly current: T }
  | { readonly kind: 'deleted'; readonly key: string; readonly previous: T }

/** Reading a store. Lists are in insertion order. */
export interface StoreView<T> {
  get(key: string): T | undefined
  list(): readonly T[]
  /** Objects whose index function gave `value`; an unknown index name throws. */
  byIndex(index: string, value: string): readonly T[]
  size(): number
}

/** Hearing of changes. */
export interface StoreFeed<T> {
  /** Calls `listener` for every later change; the answer unsubscribes. */
  onChange(listener: (change: Change<T>) => void): () => void
  /** True once the first full state was accepted. */
  hasSynced(): boolean
  /** Resolves at the first full state; rejects with the signal's reason. */
  synced(signal: AbortSignal): Promise<void>
}

/** A full state being collected; `commit` replaces everything at once and tells listeners the difference. */
export interface Replacement<T> {
  /** Adds an object; throws when transform or an index function throws, and then nothing of it is taken. */
  add(object: T): void
  /** Keeps whatever is stored under this key: the object exists but cannot be read. */
  keep(key: string): void
  remove(key: string): void
  commit(): void
}

/** Where a reflector writes. */
export interface StoreSink<T> {
  replacement(): Replacement<T>
  put(object: T): void
  remove(key: string): void
}

export interface Store<T extends KubeObject> extends StoreView<T>, StoreFeed<T> {
  readonly sink: StoreSink<T>
}

export interface StoreOptions<T> {
  /** Slims an object before it is kept. */
  readonly transform?: (object: T) => T
  /** Index name → values of one object. */
  readonly indexes?: Readonly<Record<string, (object: T) => readonly string[]>>
  /** Hears of a listener that threw: a bug, but no reason to lose the change for the others. */
  readonly log: Log
}

/** Opens an empty store. */
export function openStore<T extends KubeObject>(options: StoreOptions<T>): Store<T> {
  const objects = new Map<string, T>()
  const index = openStoreIndex(options.indexes ?? {})
  const listeners = new Set<(change: Change<T>) => void>()
  const waiting = new Set<() => void>()
  let synced = false

  const tell = (change: Change<T>): void => {
    for (const listener of listeners) {
      try {
        listener(change)
      } catch (error) {
        options.log.error('a listener of a store failed', { key: change.key, change: change.kind, error, bug: true })
      }
    }
  }
  /** Everything that may throw happens before anything is changed. */
  const prepare = (object: T): Prepared<T> => {
    const current = options.transform?.(object) ?? object
    return { key: keyOf(current), current, values: index.valuesOf(current) }
  }
  const accept = ({ key, current, values }: Prepared<T>): void => {
    const previous = objects.get(key)
    objects.set(key, current)
    index.set(key, values)
    if (previous === undefined) tell({ kind: 'added', key, current })
    else if (!isSameVersion(previous, current)) tell({ kind: 'updated', key, previous, current })
  }
  const remove = (key: string): void => {
    const previous = objects.get(key)
    if (previous === undefined) return
    objects.delete(key)
    index.delete(key)
    tell({ kind: 'deleted', key, previous })
  }

  return {
    get: (key) => objects.get(key),
    list: () => [...objects.values()],
    byIndex: (name, value) => index.keys(name, value).flatMap((key) => objects.get(key) ?? []),
    size: () => objects.size,
    onChange: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    hasSynced: () => synced,
    synced: (signal) => (synced ? Promise.resolve() : signalled(waiting, signal)),
    sink: {
      put: (object) => accept(prepare(object)),
      remove,
      replacement: () =>
        collect(prepare, {
          commit: (seen, kept) => {
            for (const key of [...objects.keys()].filter((key) => !seen.has(key) && !kept.has(key))) remove(key)
            for (const prepared of seen.values()) accept(prepared)
            synced = true
            for (const resolve of waiting) resolve()
            waiting.clear()
          },
        }),
    },
  }
}

interface Prepared<T> {
  readonly key: string
  readonly current: T
  readonly values: ReadonlyMap<string, readonly string[]>
}

interface Committer<T> {
  commit(seen: ReadonlyMap<string, Prepared<T>>, kept: ReadonlySet<string>): void
}

function collect<T>(prepare: (object: T) => Prepared<T>, committer: Committer<T>): Replacement<T> {
  const seen = new Map<string, Prepared<T>>()
  const kept = new Set<string>()
  return {
    add: (object) => {
      const prepared = prepare(object)
      seen.set(prepared.key, prepared)
    },
    keep: (key) => void kept.add(key),
    remove: (key) => {
      seen.delete(key)
      kept.delete(key)
    },
    commit: () => {
      committer.commit(seen, kept)
      // The stream that collected this lives on for minutes; it must not hold the old state.
      seen.clear()
      kept.clear()
    },
  }
}

/** A full state repeats what is known already; only equality of versions has a meaning. */
function isSameVersion(previous: KubeObject, current: KubeObject): boolean {
  const version = previous.metadata.resourceVersion
  return version !== undefined && version === current.metadata.resourceVersion && previous.metadata.uid === current.metadata.uid
}

function signalled(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = (): void => {
      waiting.delete(wake)
      reject(signal.reason)
    }
    const wake = (): void => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    waiting.add(wake)
  })
}
