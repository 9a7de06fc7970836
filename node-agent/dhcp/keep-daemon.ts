// Decides when the DHCP daemon runs: as long as it is wanted, again with back-off when it ends, not beside somebody else's. Never knows leases.
import { type Backoff, openBackoff } from '#kube/process/backoff'
import type { Clock, Random } from '#kube/process/clock'
import { linkSignals } from '#kube/process/linked-signal'
import type { Log } from '#kube/process/log'
import type { DaemonProcess, RunningDaemon } from './daemon-process.ts'

export interface DaemonKeeper {
  /** Resolves once requests are served; rejects with the signal's reason. Only sensible while it is wanted. */
  serving(signal: AbortSignal): Promise<void>
  /** It may be wanted now, or no longer. */
  wake(): void
  /** Ends the daemon and resolves when nothing runs any more. */
  stop(): Promise<void>
}

export interface KeeperOptions {
  readonly daemon: DaemonProcess
  /** Asked from time to time. */
  wanted(): boolean
  /** Called when a daemon of ours serves: it knows no lease yet. */
  onServing(): void
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** How often somebody else's daemon, and whether one is still wanted, is looked at. */
const LOOK_MS = 60_000
const FOREIGN_MS = 5000
const BACKOFF = { minMs: 500, maxMs: 60_000 }
/** A daemon listens within milliseconds; one that does not is broken. */
const LISTEN_MS = 5000
const PROBE_MS = 20

export function keepDaemon(options: KeeperOptions): DaemonKeeper {
  const { clock } = options
  const stopping = new AbortController()
  const keeping: Keeping = {
    ...options,
    backoff: openBackoff({ ...BACKOFF, random: options.random }),
    gate: openGate(),
    rest: openRest(clock, stopping.signal),
    stopping: stopping.signal,
  }
  const { gate, rest } = keeping
  const turn = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      // One daemon after the other.
      // oxlint-disable-next-line no-await-in-loop
      await (options.wanted() ? keepOne(keeping) : rest.pause(LOOK_MS))
    }
  }
  const turning = turn()
  return {
    serving: (signal) => {
      if (!gate.isOpen()) rest.wake()
      return gate.passed(signal)
    },
    wake: () => rest.wake(),
    stop: async () => {
      stopping.abort(new Error('the agent is stopping'))
      await turning
    },
  }
}

interface Keeping extends KeeperOptions {
  readonly backoff: Backoff
  readonly gate: Gate
  readonly rest: Rest
  readonly stopping: AbortSignal
}

/** One life of a daemon, ours or somebody else's. Never rejects. */
async function keepOne(keeping: Keeping): Promise<void> {
  const { daemon, gate, rest, log, backoff } = keeping
  try {
    if (await daemon.accepts()) {
      log.debug('a DHCP daemon of somebody else serves this node')
      gate.open()
      await rest.pause(FOREIGN_MS)
    } else await keepOurs(keeping)
  } catch (error) {
    log.error('the DHCP daemon could not be kept; it is tried again', { error })
    await rest.pause(backoff.next())
  } finally {
    gate.close()
  }
}

async function keepOurs(keeping: Keeping): Promise<void> {
  const { daemon, gate, rest, log, backoff, stopping } = keeping
  await daemon.removeSocket()
  const running = daemon.start()
  const life = lifeOf(running, () => {
    gate.close()
    rest.wake()
  })
  if (await listens(keeping, life)) {
    log.info('the DHCP daemon serves')
    backoff.reset()
    gate.open()
    keeping.onServing()
    // oxlint-disable-next-line no-await-in-loop
    while (life.ended() === undefined && keeping.wanted() && !stopping.aborted) await rest.pause(LOOK_MS)
  }
  gate.close()
  const how = life.ended()
  await running.end()
  if (stopping.aborted || (how === undefined && !keeping.wanted())) return
  const waitMs = backoff.next()
  log.warn('the DHCP daemon ended and is started again', { how: how ?? 'it did not listen', waitMs })
  await rest.pause(waitMs)
}

/** How it ended; undefined while it lives. */
interface Life {
  ended(): string | undefined
}

function lifeOf(running: RunningDaemon, onEnd: () => void): Life {
  let how: string | undefined
  void running.ended.then((said) => {
    how = said
    onEnd()
  })
  return { ended: () => how }
}

/** Whether the daemon listens before it ends, in time. */
async function listens({ daemon, clock, stopping }: Keeping, life: Life): Promise<boolean> {
  const until = clock.monotonic() + LISTEN_MS
  while (life.ended() === undefined && !stopping.aborted && clock.monotonic() < until) {
    // oxlint-disable-next-line no-await-in-loop
    if (await daemon.accepts()) return true
    // oxlint-disable-next-line no-await-in-loop
    await clock.sleep(PROBE_MS, stopping).catch(() => undefined)
  }
  return false
}

/** Whether the daemon serves, for those who wait for it. */
interface Gate {
  open(): void
  close(): void
  isOpen(): boolean
  passed(signal: AbortSignal): Promise<void>
}

function openGate(): Gate {
  const waiting = new Set<() => void>()
  let isOpen = false
  return {
    open: () => {
      isOpen = true
      for (const resolve of waiting) resolve()
    },
    close: () => {
      isOpen = false
    },
    isOpen: () => isOpen,
    passed: (signal) => (isOpen ? Promise.resolve() : arrival(waiting, signal)),
  }
}

function arrival(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void): void => {
      waiting.delete(onServed)
      signal.removeEventListener('abort', onAbort)
      end()
    }
    const onServed = (): void => settle(resolve)
    const onAbort = (): void => settle(() => reject(signal.reason))
    waiting.add(onServed)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
}

/** A pause that ends early when somebody wakes it; a wake between two pauses ends the next one. */
interface Rest {
  pause(ms: number): Promise<void>
  wake(): void
}

function openRest(clock: Clock, stopping: AbortSignal): Rest {
  let woken = false
  let end = (): void => undefined
  return {
    pause: async (ms) => {
      const linked = linkSignals([stopping])
      end = () => linked.abort(undefined)
      if (!woken) await clock.sleep(ms, linked.signal).catch(() => undefined)
      woken = false
      end = () => undefined
      linked.unlink()
    },
    wake: () => {
      woken = true
      end()
    },
  }
}
