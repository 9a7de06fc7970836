// Decides which keys an index value leads to. Never keeps objects.

/** Named indexes over keys. */
export interface StoreIndex<T> {
  /** Values of an object in every index; throws what an index function throws. */
  valuesOf(object: T): ReadonlyMap<string, readonly string[]>
  set(key: string, values: ReadonlyMap<string, readonly string[]>): void
  delete(key: string): void
  /** Keys in insertion order; throws RangeError for an unknown index. */
  keys(index: string, value: string): readonly string[]
}

/** Opens empty indexes. */
export function openStoreIndex<T>(functions: Readonly<Record<string, (object: T) => readonly string[]>>): StoreIndex<T> {
  const tables = new Map(Object.keys(functions).map((name) => [name, new Map<string, Set<string>>()]))
  const known = new Map<string, ReadonlyMap<string, readonly string[]>>()

  const remove = (key: string): void => {
    for (const [name, values] of known.get(key) ?? []) {
      for (const value of values) removeFrom(tables.get(name), value, key)
    }
    known.delete(key)
  }
  return {
    valuesOf: (object) => new Map(Object.entries(functions).map(([name, values]) => [name, values(object)])),
    set: (key, values) => {
      remove(key)
      known.set(key, values)
      for (const [name, list] of values) {
        for (const value of list) addTo(tables.get(name), value, key)
      }
    },
    delete: remove,
    keys: (name, value) => {
      const table = tables.get(name)
      if (table === undefined) throw new RangeError(`index: "${name}" does not exist; there are ${[...tables.keys()].join(', ') || 'none'}`)
      return [...(table.get(value) ?? [])]
    },
  }
}

function addTo(table: Map<string, Set<string>> | undefined, value: string, key: string): void {
  const keys = table?.get(value)
  if (keys === undefined) table?.set(value, new Set([key]))
  else keys.add(key)
}

/** An empty set is dropped: values come and go for ever. */
function removeFrom(table: Map<string, Set<string>> | undefined, value: string, key: string): void {
  const keys = table?.get(value)
  keys?.delete(key)
  if (keys?.size === 0) table?.delete(value)
}
