// Decides how many requests are worked on at once and in which order: first come, first served. Never looks into a request.
import { PlexusError } from '#api/errors'

export interface Gate {
  /** Runs `work` when it is its turn; rejects with the signal's reason while waiting, with `TryAgainLater` when the line is full. */
  pass<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>
  /** How many wait. */
  waiting(): number
}

export function openGate(options: { readonly atOnce: number; readonly longestLine: number }): Gate {
  const line = new Set<() => void>()
  let running = 0
  const leave = (): void => {
    running -= 1
    const [next] = line
    if (next === undefined) return
    line.delete(next)
    next()
  }
  const enter = async (signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted()
    if (running < options.atOnce && line.size === 0) {
      running += 1
      return
    }
    if (line.size >= options.longestLine) {
      throw new PlexusError('TryAgainLater', `${line.size} requests wait for this node's agent already; kubelet tries again by itself`)
    }
    await new Promise<void>((resolve, reject) => {
      const turn = (): void => {
        signal.removeEventListener('abort', onAbort)
        running += 1
        resolve()
      }
      const onAbort = (): void => {
        line.delete(turn)
        reject(signal.reason)
      }
      line.add(turn)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }
  return {
    pass: async (work, signal) => {
      await enter(signal)
      try {
        return await work()
      } finally {
        leave()
      }
    },
    waiting: () => line.size,
  }
}
