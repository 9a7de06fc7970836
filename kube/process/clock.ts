// Decides how time passes for everything that waits: wall clock for people, monotonic clock for durations. Never used to order writes of two machines.

/** Time, injected. Durations are milliseconds. */
export interface Clock {
  /** The wall clock, for timestamps that people or other machines read. */
  now(): Date
  /** Milliseconds of a clock that never jumps; only differences mean something. */
  monotonic(): number
  /** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** Runs `run` once after `ms`; the answer cancels it. */
  after(ms: number, run: () => void): () => void
}

/** A number in [0, 1), injected so that jitter is repeatable in tests. */
export type Random = () => number
