// Decides how the reference plugin's daemon is executed and reached: arguments, socket, ending. Never decides when it runs.
import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import type { Clock } from '#kube/process/clock'
import type { Log } from '#kube/process/log'

/** One execution of the daemon. */
export interface RunningDaemon {
  /** How it ended, for the log. Never rejects. */
  readonly ended: Promise<string>
  /** Ends it and resolves when it has ended. */
  end(): Promise<void>
}

export interface DaemonProcess {
  readonly socket: string
  /** Whether anybody listens at the socket now. */
  accepts(): Promise<boolean>
  /** Removes the socket of a daemon that was killed: the next one could not listen. */
  removeSocket(): Promise<void>
  start(): RunningDaemon
}

/** Its shutdown waits for running requests; then it is killed. */
const END_MS = 5000
const CONNECT_MS = 1000

export function openDaemonProcess(options: {
  /** The `dhcp` plugin. */
  readonly binary: string
  readonly socket: string
  readonly clock: Clock
  readonly log: Log
}): DaemonProcess {
  const { binary, socket, clock, log } = options
  return {
    socket,
    accepts: () =>
      new Promise((resolve) => {
        const probe = connect(socket)
        const settle = (accepts: boolean): void => {
          probe.destroy()
          resolve(accepts)
        }
        probe.setTimeout(CONNECT_MS, () => settle(false))
        probe.once('connect', () => settle(true))
        probe.once('error', () => settle(false))
      }),
    removeSocket: () => rm(socket, { force: true }),
    start: () => {
      const child = spawn(binary, ['daemon', '-socketpath', socket], { stdio: ['ignore', 'ignore', 'pipe'], env: {} })
      createInterface({ input: child.stderr }).on('line', (line) => log.debug('the DHCP daemon says', { line }))
      const ended = new Promise<string>((resolve) => {
        child.once('error', (error) => resolve(error.message))
        child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`))
      })
      return {
        ended,
        end: async () => {
          child.kill('SIGTERM')
          const cancel = clock.after(END_MS, () => void child.kill('SIGKILL'))
          await ended
          cancel()
        },
      }
    },
  }
}
