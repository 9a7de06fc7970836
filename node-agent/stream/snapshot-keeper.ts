// Decides when the snapshot is written to disk: soon after a change, at most once in five seconds, and once more at the end. Never decides its form.
import type { AtomicFiles } from '#kube/process/atomic-file'
import type { Clock } from '#kube/process/clock'
import type { Log } from '#kube/process/log'
import type { HeldSnapshot } from './held-snapshot.ts'
import { writeSnapshotFile } from './snapshot-file.ts'

const SOON_MS = 500
const APART_MS = 5000

export interface SnapshotKeeper {
  /** Writes what is not yet written; resolves when it is on disk. */
  stop(): Promise<void>
}

export interface SnapshotKeeperOptions {
  readonly snapshot: HeldSnapshot
  readonly files: AtomicFiles
  readonly path: string
  readonly clock: Clock
  readonly log: Log
}

/** Starts keeping the snapshot on disk. */
export function startSnapshotKeeper(options: SnapshotKeeperOptions): SnapshotKeeper {
  const { snapshot, files, path, clock, log } = options
  let dirty = false
  let writing: Promise<void> = Promise.resolve()
  let writtenAt = Number.NEGATIVE_INFINITY
  let cancel: (() => void) | undefined

  const write = async (): Promise<void> => {
    const contents = dirty ? snapshot.contents() : undefined
    // Half a snapshot is never kept; `synced` comes here again.
    if (contents === undefined) return
    dirty = false
    writtenAt = clock.monotonic()
    try {
      await writeSnapshotFile(files, path, contents)
    } catch (error) {
      log.error('the snapshot could not be written; a restarted agent would start from an older one', { path, error })
      changed()
    }
  }
  const changed = (): void => {
    dirty = true
    cancel ??= clock.after(Math.max(SOON_MS, writtenAt + APART_MS - clock.monotonic()), () => {
      cancel = undefined
      writing = writing.then(write)
    })
  }
  const unlisten = snapshot.onChange(changed)
  return {
    stop: async () => {
      unlisten()
      cancel?.()
      writing = writing.then(write)
      await writing
      cancel?.()
    },
  }
}
