// Decides when a delayed key is due; one timer for all of them. Never keeps two times for one key.
import type { Clock } from './process/clock.ts'
import { openHeap } from './process/heap.ts'

/** Keys that wait for their time. */
export interface DelayLine {
  /** Waits `ms`; an earlier time of the same key wins. */
  add(key: string, ms: number): void
  size(): number
  clear(): void
}

/** Calls `due` for each key at its time. */
export function openDelayLine(clock: Clock, due: (key: string) => void): DelayLine {
  const heap = openHeap<{ readonly at: number; readonly key: string }>()
  const times = new Map<string, number>()
  let timer: { readonly at: number; cancel(): void } | undefined

  const fire = (): void => {
    timer = undefined
    for (let entry = heap.first(); entry !== undefined && entry.at <= clock.monotonic(); entry = heap.first()) {
      heap.pop()
      // An entry that was overtaken by an earlier one stays in the heap until here.
      if (times.get(entry.key) !== entry.at) continue
      times.delete(entry.key)
      due(entry.key)
    }
    arm()
  }
  const arm = (): void => {
    const first = heap.first()
    if (first === undefined || (timer !== undefined && timer.at <= first.at)) return
    timer?.cancel()
    timer = { at: first.at, cancel: clock.after(first.at - clock.monotonic(), fire) }
  }
  return {
    add: (key, ms) => {
      const at = clock.monotonic() + ms
      const known = times.get(key)
      if (known !== undefined && known <= at) return
      times.set(key, at)
      heap.push({ at, key })
      arm()
    },
    size: () => times.size,
    clear: () => {
      timer?.cancel()
      timer = undefined
      times.clear()
      heap.clear()
    },
  }
}
