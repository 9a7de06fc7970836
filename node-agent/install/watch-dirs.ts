// Decides which directories are watched for changes by others; a directory that cannot be watched now is tried again at each look. Never reads them.
import { type FSWatcher, watch } from 'node:fs'
import type { Log } from '#kube/process/log'

export interface DirWatch {
  /** Watches exactly these directories from now on. */
  set(directories: readonly string[]): void
  stop(): void
}

/** Opens the watch. It may miss changes (a directory that was replaced): a look from time to time is still needed. */
export function openDirWatch(options: { onChange(): void; readonly log: Log }): DirWatch {
  const { log } = options
  const watchers = new Map<string, FSWatcher>()
  const drop = (directory: string): void => {
    watchers.get(directory)?.close()
    watchers.delete(directory)
  }
  const start = (directory: string): void => {
    try {
      const watcher = watch(directory, { persistent: false }, () => options.onChange())
      watcher.on('error', (error) => {
        log.warn('a directory can no longer be watched; it is looked at each minute', { directory, error })
        drop(directory)
      })
      watchers.set(directory, watcher)
    } catch (error) {
      log.debug('a directory cannot be watched yet', { directory, error })
    }
  }
  return {
    set: (directories) => {
      for (const directory of watchers.keys()) if (!directories.includes(directory)) drop(directory)
      for (const directory of directories) if (!watchers.has(directory)) start(directory)
    },
    stop: () => {
      for (const directory of watchers.keys()) drop(directory)
    },
  }
}
