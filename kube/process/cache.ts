// The one wrapper of @thi.ng/cache: bounded caches, least recently used first, with single flight. Never used where eviction would cost correctness.
import { LRUCache } from '@thi.ng/cache/lru'
import { TLRUCache } from '@thi.ng/cache/tlru'
import type { Clock } from './clock.ts'

/** A bounded cache. `undefined` is not a value. */
export interface Cache<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): boolean
  /** The cached value, else what `load` gives; concurrent callers share one load, a failed load is not kept. */
  getOrLoad(key: string, load: () => Promise<V>): Promise<V>
  size(): number
  clear(): void
}

/** What both library classes have in common, narrowed to what is safe. */
interface Backing<V> {
  get(key: string): V | undefined
  set(key: string, value: V): V
  delete(key: string): boolean
  release(): boolean
  readonly length: number
}

/** A cache of the `max` entries used last. */
export function openLruCache<V>(options: { readonly max: number }): Cache<V> {
  atLeastOne(options.max)
  return wrap<V>(new LRUCache<string, V>(null, { maxlen: options.max }))
}

/** A cache whose entries also end after `ttlMs`; a read does not extend them. At most 1,024: at capacity each insert scans all entries. */
export function openTlruCache<V>(options: { readonly max: number; readonly ttlMs: number; readonly clock: Clock }): Cache<V> {
  const { max, ttlMs, clock } = options
  atLeastOne(max)
  if (max > 1024) throw new RangeError(`max: ${max} is above 1024; use an LRU cache or a smaller bound`)
  const entries = new TLRUCache<string, Aging<V>>(null, { maxlen: max, ttl: ttlMs, autoExtend: false })
  // The library ages by the wall clock, which jumps; entries carry their own monotonic end.
  const fresh = (key: string): V | undefined => {
    const entry = entries.get(key)
    if (entry === undefined) return undefined
    if (clock.monotonic() < entry.until) return entry.value
    entries.delete(key)
    return undefined
  }
  return wrap<V>({
    get: fresh,
    set: (key, value) => {
      entries.set(key, { value, until: clock.monotonic() + ttlMs })
      return value
    },
    delete: (key) => entries.delete(key),
    release: () => entries.release(),
    get length() {
      return entries.length
    },
  })
}

interface Aging<V> {
  readonly value: V
  readonly until: number
}

function atLeastOne(max: number): void {
  if (!Number.isInteger(max) || max < 1)
    throw new RangeError(`max: ${max} is not a whole number above 0; give the number of entries to keep`)
}

function wrap<V>(backing: Backing<V>): Cache<V> {
  const loading = new Map<string, Promise<V>>()
  const set = (key: string, value: V): void => {
    // At capacity the library's set of a known key evicts the oldest entry, and loses the value if that is this key.
    backing.delete(key)
    loading.delete(key)
    backing.set(key, value)
  }
  const load = async (key: string, run: () => Promise<V>): Promise<V> => {
    const flight = run()
    loading.set(key, flight)
    try {
      const value = await flight
      // A set, delete or clear in the meantime wins over what was read before it.
      if (loading.get(key) === flight) set(key, value)
      return value
    } finally {
      if (loading.get(key) === flight) loading.delete(key)
    }
  }
  return {
    get: (key) => backing.get(key),
    set,
    delete: (key) => {
      loading.delete(key)
      return backing.delete(key)
    },
    getOrLoad: async (key, run) => backing.get(key) ?? (await (loading.get(key) ?? load(key, run))),
    size: () => backing.length,
    clear: () => {
      loading.clear()
      backing.release()
    },
  }
}
