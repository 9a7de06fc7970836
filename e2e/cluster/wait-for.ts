// Waits until a probe holds, with a deadline and a signal; says what was awaited and what was last seen. Never decides what to await.
import { setTimeout as pause } from 'node:timers/promises'
import { ClusterError, reasonOf } from './cluster-error.ts'

/** What a probe saw: done with a value, or not yet with a description of what is there instead. */
export type Probe<T> = { readonly done: true; readonly value: T } | { readonly done: false; readonly seen: string }

export interface WaitOptions {
  /** Milliseconds from now. */
  readonly deadline: number
  /** Milliseconds between two looks, 100 unless said. */
  readonly every?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Looks again and again until the probe is done. A probe that throws counts as not yet; its message is what was seen. */
export async function waitFor<T>(sentence: string, probe: (signal: AbortSignal) => Promise<Probe<T>>, options: WaitOptions): Promise<T> {
  const limit = AbortSignal.timeout(options.deadline)
  const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal])
  let seen = 'nothing yet'
  while (!signal.aborted) {
    const look = await probe(signal).catch((thrown: unknown): Probe<T> => ({ done: false, seen: reasonOf(thrown) }))
    if (look.done) return look.value
    if (!signal.aborted) seen = look.seen
    await pause(options.every ?? 100, undefined, { signal }).catch(() => undefined)
  }
  const why = limit.aborted ? `not within ${Math.round(options.deadline / 100) / 10} s` : 'stopped from outside'
  throw new ClusterError(`waited for: ${sentence}; ${why}; last seen: ${seen}`)
}

/** Shorthand for probes that are true or false. */
export const holds = (condition: boolean, seen: string): Probe<undefined> =>
  condition ? { done: true, value: undefined } : { done: false, seen }
