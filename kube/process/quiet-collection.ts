// Decides when a process collects its garbage by itself: after work, once it is quiet. V8 alone keeps the heap of the last burst for ever.
import type { Clock } from './clock.ts'

export interface QuietCollectionOptions {
  readonly clock: Clock
  /** CPU in ms that the process has used so far. */
  readonly cpuMs: () => number
  /** Collects everything at once; a heap of 20 MB takes some 20 ms. */
  readonly collect: () => void
}

const LOOK_MS = 10_000
/** Quiet: less than 5 % of a processor since the last look. */
const QUIET_MS = LOOK_MS * 0.05
/** Less work than this since the last collection left nothing worth a collection. */
const WORTH_MS = 200

/** Looks every 10 s until the answer is called. */
export function collectWhenQuiet({ clock, cpuMs, collect }: QuietCollectionOptions): () => void {
  let before = 0
  let collected = 0
  let cancel = (): void => undefined
  const look = (): void => {
    const now = cpuMs()
    const isQuiet = now - before < QUIET_MS
    before = now
    if (isQuiet && now - collected >= WORTH_MS) {
      collect()
      collected = cpuMs()
      before = collected
    }
    cancel = clock.after(LOOK_MS, look)
  }
  cancel = clock.after(LOOK_MS, look)
  return () => cancel()
}
