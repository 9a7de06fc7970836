// Decides when something has been silent for too long. Never ends it: that is the closure's work.
import type { Clock } from './clock.ts'

export interface Watchdog {
  /** A sign of life; costs no timer. */
  touch(): void
  stop(): void
}

/** Calls `onSilence` once when `limitMs()` passed without a touch. The limit may change while it runs; it is looked up at each check. */
export function openWatchdog(options: { readonly clock: Clock; limitMs(): number; onSilence(): void }): Watchdog {
  const { clock } = options
  let touched = clock.monotonic()
  let cancel = (): void => undefined
  const check = (): void => {
    const left = touched + options.limitMs() - clock.monotonic()
    if (left <= 0) options.onSilence()
    else arm(left)
  }
  // The limit may shrink while a timer runs, so none is longer than a check interval.
  const arm = (left: number): void => {
    cancel = clock.after(Math.min(left, longestCheckMs), check)
  }
  arm(options.limitMs())
  return {
    touch: () => {
      touched = clock.monotonic()
    },
    stop: () => cancel(),
  }
}

const longestCheckMs = 15_000
