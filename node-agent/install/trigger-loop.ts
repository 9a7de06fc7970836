// Decides when a piece of work runs: soon after it was asked for, never twice at once, again after a failure, and from time to time anyway. Never knows the work.
import type { Clock } from '#kube/process/clock'
import { withDeadline } from '#kube/process/deadline'
import { linkSignals } from '#kube/process/linked-signal'
import type { Log } from '#kube/process/log'

export interface TriggerLoop {
  /** Asks for a run; many asks become one. */
  trigger(): void
  /** Ends the present run and resolves when nothing runs any more. */
  stop(): Promise<void>
}

export interface TriggerLoopOptions {
  readonly name: string
  /** One run; what it throws is logged and tried again. */
  run(signal: AbortSignal): Promise<void>
  /** Longest time of one run. */
  readonly deadlineMs: number
  /** How long asks are collected before a run; also the least time between two runs. */
  readonly settleMs: number
  /** A run without being asked. */
  readonly everyMs: number
  readonly clock: Clock
  readonly log: Log
}

const AGAIN_MS = 5000

/** Starts the loop; the first run is at once. */
export function startTriggerLoop(options: TriggerLoopOptions): TriggerLoop {
  const { clock, log, name } = options
  const stopping = new AbortController()
  let wanted = false
  let wake = (): void => undefined

  const runOnce = async (): Promise<boolean> => {
    let running: Promise<void> | undefined
    try {
      await withDeadline({ what: name, ms: options.deadlineMs, clock, signals: [stopping.signal] }, (signal) => {
        running = options.run(signal)
        return running
      })
      return true
    } catch (error) {
      if (stopping.signal.aborted) return false
      log.error('a run failed and is tried again', { loop: name, error })
      // A run that does not heed its signal, such as one on a disk that hangs, must not meet the next one.
      await Promise.race([running?.catch(() => undefined), aborted(stopping.signal)])
      return false
    }
  }
  const sleep = async (ms: number): Promise<void> => {
    const rest = linkSignals([stopping.signal])
    wake = () => rest.abort(undefined)
    await clock.sleep(ms, rest.signal).catch(() => undefined)
    wake = () => undefined
    rest.unlink()
  }
  const turn = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      wanted = false
      // Runs follow each other, with a wait between them.
      // oxlint-disable-next-line no-await-in-loop
      const succeeded = await runOnce()
      // oxlint-disable-next-line no-await-in-loop
      if (!wanted) await sleep(succeeded ? options.everyMs : AGAIN_MS)
      // oxlint-disable-next-line no-await-in-loop
      await clock.sleep(options.settleMs, stopping.signal).catch(() => undefined)
    }
  }
  const turning = turn()
  return {
    trigger: () => {
      wanted = true
      wake()
    },
    stop: async () => {
      stopping.abort()
      await turning
    },
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
