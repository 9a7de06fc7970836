// Decides how long to wait before another try: decorrelated jitter, so that many clients do not come back together. Never waits itself.
import type { Random } from './clock.ts'

/** Waits in milliseconds. */
export interface Backoff {
  /** The next wait; at least `atLeastMs`, for example a server's Retry-After. */
  next(atLeastMs?: number): number
  /** Starts over after a success. */
  reset(): void
}

/** Each wait is drawn between the minimum and three times the last one, never above the maximum. */
export function openBackoff(options: { readonly minMs: number; readonly maxMs: number; readonly random: Random }): Backoff {
  const { minMs, maxMs, random } = options
  let last = minMs
  return {
    next: (atLeastMs = 0) => {
      last = Math.min(maxMs, minMs + random() * (Math.min(maxMs, last * 3) - minMs))
      // A server's wish is spread as well, upwards only: the throttled clients all heard the same number.
      return atLeastMs > last ? atLeastMs * (1 + 0.2 * random()) : last
    },
    reset: () => {
      last = minMs
    },
  }
}
