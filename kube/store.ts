// Decides what a process remembers of one resource: objects by key, named indexes, and who hears of a change. Never talks to the API server.
import type { KubeObject } from './resource.ts'

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
  /** Adds an object; throws when transform or an index function throws, and then keeps what was stored before under its key. */
  add(object: T): void
  /** Keeps whatever is stored under this key: the object exists but cannot be read. */
  keep(key: string): void
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
  /** Hears of a listener that threw: a bug, but not a reason to stop. */
  readonly onListenerError?: (error: unknown, key: string) => void
}
