// Decides how the agent reads what shims spooled while it was away, and when an entry may go. Never executes anything.
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { SpoolEntry } from '#api/sandbox-record'
import { parseSpoolEntry } from '#api/sandbox-record-schema'
import type { AtomicFiles } from '#kube/process/atomic-file'
import type { Log } from '#kube/process/log'
import { readStateFile } from './state-file.ts'

/** An entry and the file it came from. */
export interface Spooled {
  readonly path: string
  readonly entry: SpoolEntry
}

export interface Spool {
  /** Entries in the order of their names; corrupt ones are set aside. */
  list(): Promise<readonly Spooled[]>
  /** Forgets an entry; call it only after the record says so. */
  remove(spooled: Spooled): Promise<void>
}

/** Opens the directory, mode 0700. */
export async function openSpool(options: {
  readonly directory: string
  readonly files: AtomicFiles
  readonly log: Log
  readonly onCorrupt: (path: string) => void
}): Promise<Spool> {
  const { directory } = options
  await mkdir(directory, { recursive: true, mode: 0o700 })
  return {
    list: async () => {
      const names = (await readdir(directory)).filter((name) => name.endsWith('.json') && !name.startsWith('.')).toSorted()
      const entries = names.map(async (name): Promise<Spooled | undefined> => {
        const path = join(directory, name)
        const entry = await readStateFile({ ...options, path, parse: parseSpoolEntry })
        return entry === undefined ? undefined : { path, entry }
      })
      return (await Promise.all(entries)).filter((spooled) => spooled !== undefined)
    },
    remove: ({ path }) => options.files.remove(path),
  }
}
