// A DaemonProcess in memory for tests.
import type { DaemonProcess } from './daemon-process.ts'

export interface FakeDaemon extends DaemonProcess {
  /** `start`, `end`, `remove socket` in order. */
  readonly steps: string[]
  /** Whether somebody listens; a started daemon listens at once unless `mute`. */
  listening: boolean
  /** A started daemon never listens. */
  mute: boolean
  /** The present one dies. */
  die(): void
}

export function fakeDaemon(): FakeDaemon {
  let exit: (how: string) => void = () => undefined
  const fake: FakeDaemon = {
    socket: '/run/cni/dhcp.sock',
    steps: [],
    listening: false,
    mute: false,
    die: () => exit('SIGKILL'),
    accepts: async () => fake.listening,
    removeSocket: async () => void fake.steps.push('remove socket'),
    start: () => {
      fake.steps.push('start')
      fake.listening = !fake.mute
      const ended = new Promise<string>((resolve) => {
        exit = (how) => {
          fake.listening = false
          resolve(how)
        }
      })
      return {
        ended,
        end: async () => {
          fake.steps.push('end')
          exit('SIGTERM')
        },
      }
    },
  }
  return fake
}
