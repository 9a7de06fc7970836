// Decides how a file changes so that a crash leaves the old or the new one, never half: temp, fsync, rename or link, fsync of the directory.
import { basename, dirname, join } from 'node:path'
import { type DurableFile, type DurableIo, systemDurableIo } from './durable-io.ts'
import { isError } from './is-error.ts'
import { openSharedSync } from './shared-sync.ts'

/** Writers of one process. All reject with the system error; paths are absolute. */
export interface AtomicFiles {
  /** Replaces the file at once; `mode` is set exactly, whatever the umask (default 0644). */
  write(path: string, bytes: string | Uint8Array, options?: { readonly mode?: number }): Promise<void>
  /** Creates the file, complete from its first moment; rejects with EEXIST when there is one, and then nothing changed. */
  createExclusive(path: string, bytes: string | Uint8Array, options?: { readonly mode?: number }): Promise<void>
  /** Removes the file durably; a missing file is fine. */
  remove(path: string): Promise<void>
}

/** Temp names start with a dot and end in `.tmp`: no reader of conf directories takes them for a conf. */
const tempMark = '.tmp'

/** True for names this module leaves behind when the process is killed; such files may be removed at start. */
export function isAtomicTemp(name: string): boolean {
  return name.startsWith('.') && name.endsWith(tempMark)
}

/** Opens the writers. `unique` gives a different text at each call, for example a process id and a counter. */
export function openAtomicFiles(options: { readonly unique: () => string; readonly io?: DurableIo }): AtomicFiles {
  const io = options.io ?? systemDurableIo()
  const syncDirectory = openSharedSync(async (path) => {
    const directory = await io.open(path, 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  })
  const nameOf = (path: string): string => join(dirname(path), `.${basename(path)}.${options.unique()}${tempMark}`)
  const fill = async (file: DurableFile, bytes: string | Uint8Array, mode: number): Promise<void> => {
    try {
      await file.writeFile(bytes)
      await file.chmod(mode)
      await file.sync()
    } finally {
      await file.close()
    }
  }
  // A temp that cannot be removed is swept at the next start; it must not hide what happened to the file itself.
  const discard = async (temp: string): Promise<void> => {
    await io.unlink(temp).catch(() => undefined)
  }
  const viaTemp = async (
    path: string,
    bytes: string | Uint8Array,
    step: { readonly mode: number; finish(temp: string): Promise<void> },
  ): Promise<void> => {
    const { temp, file } = await openTemp(io, () => nameOf(path), step.mode)
    try {
      await fill(file, bytes, step.mode)
      await step.finish(temp)
    } catch (error) {
      await discard(temp)
      throw error
    }
    await syncDirectory(dirname(path))
  }
  return {
    write: (path, bytes, { mode = 0o644 } = {}) => viaTemp(path, bytes, { mode, finish: (temp) => io.rename(temp, path) }),
    createExclusive: (path, bytes, { mode = 0o644 } = {}) =>
      viaTemp(path, bytes, {
        mode,
        finish: async (temp) => {
          await io.link(temp, path)
          await discard(temp)
        },
      }),
    remove: async (path) => {
      await io.unlink(path).catch(ignoreMissing)
      await syncDirectory(dirname(path))
    },
  }
}

/** More than a killed process leaves between two sweeps. */
const mostTemps = 1000

/**
 * A temp of our own. A name that is taken is passed over: a killed process left it, whose ids begin again in a restarted container. Its EEXIST
 * would be taken for that of the file itself. It is not removed here: were its owner alive, the file could become half of each.
 */
async function openTemp(io: DurableIo, name: () => string, mode: number): Promise<{ readonly temp: string; readonly file: DurableFile }> {
  for (let tries = 1; ; tries += 1) {
    const temp = name()
    try {
      // oxlint-disable-next-line no-await-in-loop
      return { temp, file: await io.open(temp, 'wx', mode) }
    } catch (error) {
      if (!isError(error) || !('code' in error) || error.code !== 'EEXIST' || tries >= mostTemps) throw error
    }
  }
}

function ignoreMissing(error: unknown): void {
  if (!isError(error) || !('code' in error) || error.code !== 'ENOENT') throw error
}
