// Decides how long to wait so that a rate is kept over time while short bursts pass. Never waits itself.
import type { Clock } from './clock.ts'

/** A token bucket. */
export interface TokenBucket {
  /** Takes a token now or in the future; answers how many ms to wait for it. */
  reserve(): number
}

/** `perSecond` tokens come in each second, at most `burst` are kept. */
export function openTokenBucket(options: { readonly perSecond: number; readonly burst: number; readonly clock: Clock }): TokenBucket {
  const { perSecond, burst, clock } = options
  let tokens = burst
  let at = clock.monotonic()
  return {
    reserve: () => {
      const now = clock.monotonic()
      tokens = Math.min(burst, tokens + ((now - at) / 1000) * perSecond) - 1
      at = now
      return tokens >= 0 ? 0 : (-tokens / perSecond) * 1000
    },
  }
}
