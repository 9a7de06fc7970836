// Decides how many fsyncs of one directory run: one at a time, and whoever comes meanwhile shares the next. Never skips one.

/** Resolves when a sync that began after the call has ended; rejects with its error. `key` names what is synced. */
export function openSharedSync(sync: (key: string) => Promise<void>): (key: string) => Promise<void> {
  const running = new Map<string, Promise<void>>()
  const next = new Map<string, Promise<void>>()
  const begin = async (key: string): Promise<void> => {
    next.delete(key)
    const run = sync(key)
    running.set(key, run)
    try {
      await run
    } finally {
      if (running.get(key) === run) running.delete(key)
    }
  }
  return (key) => {
    const waiting = next.get(key)
    if (waiting !== undefined) return waiting
    const before = running.get(key)
    if (before === undefined) return begin(key)
    const turn = (): Promise<void> => begin(key)
    const after = before.then(turn, turn)
    next.set(key, after)
    return after
  }
}
