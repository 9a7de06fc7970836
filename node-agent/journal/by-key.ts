// Decides that work on one key never overlaps: first come, first served per key, keys independent of each other. Never limits the total.

/** Runs work per key, one after another. */
export interface ByKey {
  run<T>(key: string, work: () => Promise<T>): Promise<T>
}

export function openByKey(): ByKey {
  const tails = new Map<string, Promise<unknown>>()
  return {
    run: async (key, work) => {
      // The failure of one piece of work belongs to its own caller, not to the next in the line.
      const before = tails.get(key)?.catch(() => undefined)
      const mine = before === undefined ? work() : before.then(work)
      tails.set(key, mine)
      try {
        return await mine
      } finally {
        if (tails.get(key) === mine) tails.delete(key)
      }
    },
  }
}
