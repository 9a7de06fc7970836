// Decides when the shim may believe that this boot's agent serves: a file with boot id and boot time, refreshed while it does. Never deletes it.
import { join } from 'node:path'
import type { ReadyFile } from '#api/node-file'
import { READY_FILE } from '#api/sandbox-record'
import type { AtomicFiles } from '#kube/process/atomic-file'
import type { Clock } from '#kube/process/clock'
import type { Log } from '#kube/process/log'
import type { Boot } from '../boot.ts'
import { startTriggerLoop, type TriggerLoop } from './trigger-loop.ts'

const REFRESH_MS = 20_000

export interface ReadyFileOptions {
  readonly runDir: string
  readonly boot: Boot
  readonly files: AtomicFiles
  /** Whether the agent can serve now: the socket listens and the primary is known. */
  serving(): boolean
  readonly clock: Clock
  readonly log: Log
}

/** Starts refreshing the file; `trigger` looks at once. */
export function startReadyFile(options: ReadyFileOptions): TriggerLoop {
  const { runDir, boot, files, clock, log } = options
  return startTriggerLoop({
    name: 'ready-file',
    run: async () => {
      if (!options.serving()) return
      const ready: ReadyFile = { bootId: boot.id, at: boot.nowMs() }
      await files.write(join(runDir, READY_FILE), `${JSON.stringify(ready)}\n`, { mode: 0o600 })
    },
    deadlineMs: REFRESH_MS,
    settleMs: 100,
    everyMs: REFRESH_MS,
    clock,
    log,
  })
}
