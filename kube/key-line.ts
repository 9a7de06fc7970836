// Decides which key is next: first in, first out, each once, none twice at work. Knows neither time limits nor waiting workers.
import type { Clock } from './process/clock.ts'
import type { QueueMeter } from './queue-meter.ts'

export interface KeyLine {
  /** True when the key was put in line; false when it waits already, is at work (it follows after `done`) or the line is closed. */
  add(key: string): boolean
  /** Takes the first key to work. */
  next(): string | undefined
  /** True when the key was added while it was at work and is in line again. */
  done(key: string): boolean
  /** Accepts nothing more. */
  close(): void
}

/** Opens an empty line. */
export function openKeyLine(clock: Clock, meter: QueueMeter): KeyLine {
  const line = openFifo()
  const queuedAt = new Map<string, number>()
  const working = new Set<string>()
  const again = new Set<string>()
  let open = true

  const add = (key: string): boolean => {
    if (!open || queuedAt.has(key)) return false
    if (working.has(key)) {
      again.add(key)
      return false
    }
    queuedAt.set(key, clock.monotonic())
    line.push(key)
    meter.added(line.size())
    return true
  }
  return {
    add,
    next: () => {
      const key = line.shift()
      if (key === undefined) return undefined
      meter.taken(line.size(), (clock.monotonic() - (queuedAt.get(key) ?? clock.monotonic())) / 1000)
      queuedAt.delete(key)
      working.add(key)
      return key
    },
    done: (key) => {
      working.delete(key)
      return again.delete(key) && add(key)
    },
    close: () => {
      open = false
      again.clear()
    },
  }
}

/** An array's own shift would move everything each time. */
function openFifo(): { push(key: string): void; shift(): string | undefined; size(): number } {
  let keys: (string | undefined)[] = []
  let head = 0
  return {
    push: (key) => void keys.push(key),
    shift: () => {
      const key = keys[head]
      if (key === undefined) return undefined
      keys[head] = undefined
      head += 1
      if (head > 1024 && head * 2 > keys.length) {
        keys = keys.slice(head)
        head = 0
      }
      return key
    },
    size: () => keys.length - head,
  }
}
