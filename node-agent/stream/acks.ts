// Decides when a node tells the operator what it serves: batched, the whole truth each time, again after a failure. Never decides what is rejected.
import type { Ack } from '#api/stream'
import type { Clock } from '#kube/process/clock'
import type { Log } from '#kube/process/log'

const BATCH_MS = 200
const AGAIN_MS = 5000

export interface Acks {
  /** Something that an ack says may have changed. */
  changed(): void
  stop(): void
}

export interface AcksOptions {
  /** undefined while there is nothing to acknowledge. */
  current(): Ack | undefined
  send(body: string): Promise<void>
  readonly clock: Clock
  readonly log: Log
}

/** Starts acknowledging on one connection. An ack equal to the last accepted one is not sent. */
export function startAcks(options: AcksOptions): Acks {
  const { clock, log } = options
  let accepted: string | undefined
  let cancel: (() => void) | undefined
  let sending = false
  let stopped = false

  const send = async (): Promise<void> => {
    const ack = options.current()
    const body = ack === undefined ? undefined : JSON.stringify(ack)
    if (body === undefined || body === accepted) return
    await options.send(body)
    accepted = body
  }
  const flush = (): void => {
    cancel = undefined
    sending = true
    send()
      .then(
        () => true,
        (error: unknown) => {
          if (!stopped) log.warn('an ack was not accepted; it is sent again', { error })
          return false
        },
      )
      .then((sent) => {
        sending = false
        if (!sent) schedule(AGAIN_MS)
        else if (cancel === undefined && accepted !== bodyOf(options.current())) schedule(BATCH_MS)
      }, detached)
  }
  const schedule = (ms: number): void => {
    if (!stopped && !sending) cancel ??= clock.after(ms, flush)
  }
  const detached = (error: unknown): void => log.error('acks stopped', { error, bug: true })
  return {
    changed: () => schedule(BATCH_MS),
    stop: () => {
      stopped = true
      cancel?.()
    },
  }
}

function bodyOf(ack: Ack | undefined): string | undefined {
  return ack === undefined ? undefined : JSON.stringify(ack)
}
