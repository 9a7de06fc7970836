// Keeps timed entries so that the earliest is found at once. Decides nothing else.

export interface Timed {
  readonly at: number
}

/** A binary heap, earliest first. */
export interface Heap<T extends Timed> {
  push(entry: T): void
  first(): T | undefined
  pop(): T | undefined
  size(): number
  clear(): void
}

/** Opens an empty heap. */
export function openHeap<T extends Timed>(): Heap<T> {
  const entries: T[] = []
  const earlier = (a: number, b: number): boolean =>
    (entries[a]?.at ?? Number.POSITIVE_INFINITY) < (entries[b]?.at ?? Number.POSITIVE_INFINITY)
  const swap = (a: number, b: number): void => {
    const [one, other] = [entries[a], entries[b]]
    if (one === undefined || other === undefined) return
    entries[a] = other
    entries[b] = one
  }
  const rise = (from: number): void => {
    for (let at = from, above = (at - 1) >> 1; at > 0 && earlier(at, above); at = above, above = (at - 1) >> 1) swap(at, above)
  }
  const sink = (): void => {
    for (let at = 0; ; ) {
      const child = earlier(2 * at + 2, 2 * at + 1) ? 2 * at + 2 : 2 * at + 1
      if (!earlier(child, at)) return
      swap(at, child)
      at = child
    }
  }
  return {
    push: (entry) => {
      entries.push(entry)
      rise(entries.length - 1)
    },
    first: () => entries[0],
    pop: () => {
      const first = entries[0]
      swap(0, entries.length - 1)
      entries.pop()
      sink()
      return first
    },
    size: () => entries.length,
    clear: () => entries.splice(0),
  }
}
