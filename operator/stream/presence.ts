// Decides how long a node's answers count while its agent is away: an agent that restarts is no news, one that stays away is.
import type { Clock } from '#kube/process/clock'

export interface Presence {
  seen(node: string, isConnected: boolean): void
  /** Nobody is away any more: streams that end now end because this leader does. */
  stop(): void
}

/** Restarts and roll-outs of agents take less. */
const AWAY_MS = 120_000

export function openPresence(options: { readonly clock: Clock; onAway(node: string): void }): Presence {
  const leaving = new Map<string, () => void>()
  let isStopped = false
  const cancel = (node: string): void => {
    leaving.get(node)?.()
    leaving.delete(node)
  }
  return {
    seen: (node, isConnected) => {
      cancel(node)
      if (isConnected || isStopped) return
      const away = (): void => {
        leaving.delete(node)
        options.onAway(node)
      }
      leaving.set(node, options.clock.after(AWAY_MS, away))
    },
    stop: () => {
      isStopped = true
      for (const node of leaving.keys()) cancel(node)
    },
  }
}
