// Adapter of the bin directories: hashes, installs and removes binaries so that a reader always executes the old or the new file. Decides nothing about which.
import { createHash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { chmod, copyFile, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isAtomicTemp } from '#kube/process/atomic-file'
import { isSystemError } from '../journal/state-file.ts'
import { type PresentBinary, SHIM } from './plan-binaries.ts'

export interface BinaryFiles {
  /** Hash, mode and marker of these files; missing ones are left out. */
  look(directory: string, names: readonly string[]): Promise<ReadonlyMap<string, PresentBinary>>
  /** Copies `from` over `to` without ever writing into a file that may be running. */
  install(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Removes what killed agents left in a directory. */
  sweep(directory: string, names: readonly string[]): Promise<void>
}

/** Text inside every release of the shim. */
const MARKER = 'plexus-cni-shim'
/** The shim is at most 1.5 MB. */
const LONGEST_SHIM = 8 * 1024 * 1024

/** Opens the adapter. `unique` gives a different text at each call. Hashes are kept until a file's inode, size or times change. */
export function openBinaryFiles(options: { readonly unique: () => string }): BinaryFiles {
  const hashes = new Map<string, { readonly version: string; readonly sha256: string }>()
  const hashOf = async (path: string, version: string): Promise<string> => {
    const known = hashes.get(path)
    if (known?.version === version) return known.sha256
    const sha256 = await hashFile(path)
    hashes.set(path, { version, sha256 })
    return sha256
  }
  const lookAt = async (path: string): Promise<PresentBinary | undefined> => {
    try {
      const { ino, size, mtimeNs, ctimeNs, mode } = await stat(path, { bigint: true })
      const sha256 = await hashOf(path, [ino, size, mtimeNs, ctimeNs].join(' '))
      return {
        sha256,
        executable: (mode & 0o111n) === 0o111n,
        marked: basename(path) === SHIM && size < LONGEST_SHIM && (await isMarked(path)),
      }
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }
  return {
    look: async (directory, names) => {
      const found = new Map<string, PresentBinary>()
      for (const name of names) {
        // One after the other: hashing is bound by the disk, and many buffers at once cost memory.
        // oxlint-disable-next-line no-await-in-loop
        const present = await lookAt(join(directory, name))
        if (present !== undefined) found.set(name, present)
      }
      return found
    },
    install: (from, to) => installFile(from, to, options.unique()),
    remove: async (path) => {
      await rm(path, { force: true })
      await syncPath(dirname(path))
    },
    sweep: async (directory, names) => {
      const entries = await readdir(directory).catch(() => [])
      const left = entries.filter((entry) => isAtomicTemp(entry) && names.some((name) => entry.startsWith(`.${name}.`)))
      await Promise.all(left.map((entry) => rm(join(directory, entry), { force: true })))
    },
  }
}

async function installFile(from: string, to: string, unique: string): Promise<void> {
  const temp = join(dirname(to), `.${basename(to)}.${unique}.tmp`)
  try {
    await copyFile(from, temp, constants.COPYFILE_EXCL)
    await chmod(temp, 0o755)
    // Opened for reading: no descriptor that can write may be left when the file gets its name, or executing it fails with ETXTBSY.
    await syncPath(temp)
    await rename(temp, to)
  } catch (error) {
    await rm(temp, { force: true }).catch(() => undefined)
    throw error
  }
  await syncPath(dirname(to))
}

async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}

async function isMarked(path: string): Promise<boolean> {
  return (await readFile(path)).includes(MARKER)
}

function isMissing(error: unknown): boolean {
  return isSystemError(error, 'ENOENT') || isSystemError(error, 'ENOTDIR')
}
