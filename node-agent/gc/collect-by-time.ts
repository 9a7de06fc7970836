// Decides when the agent itself collects garbage: containerd never asks for it. Only with proof at two looks, and seldom.
import type { AttachContext } from '../attach/attach-context.ts'
import { type Collector, collectNetworks } from './collect.ts'
import { lookForEvidence } from './evidence.ts'

export interface TimedCollection {
  /** To be called each minute. */
  look(signal: AbortSignal): Promise<void>
}

/** Two looks at least this far apart, and none between them, must find the proof. */
const LOOKS_APART_MS = 60_000
const EVERY_MS = 600_000

export function openTimedCollection(context: AttachContext, collector: Collector): TimedCollection {
  const { clock, log } = context
  let provenSince: number | undefined
  let collectedAt: number | undefined
  let told = ''
  return {
    look: async (signal) => {
      const now = clock.monotonic()
      if (collectedAt !== undefined && now - collectedAt < EVERY_MS - LOOKS_APART_MS) return
      const evidence = await lookForEvidence(context, signal)
      if (!evidence.proven) {
        provenSince = undefined
        if (evidence.because !== told)
          log.info('garbage is not collected while something unknown may live here', { because: evidence.because })
        told = evidence.because
        return
      }
      told = ''
      provenSince ??= now
      if (now - provenSince < LOOKS_APART_MS) return
      provenSince = undefined
      collectedAt = now
      const failures = await collectNetworks(context, collector, { told: [], signal })
      for (const { network, error } of failures) log.warn('garbage of a network could not be collected', { network, ...error })
      if (failures.length === 0) log.info('garbage was collected', { everyMs: EVERY_MS })
    },
  }
}
