// Decides how sandbox records live on disk: one file per sandbox, created once, replaced whole, set aside when corrupt. Never decides a transition.
import { mkdir, readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { PlexusError } from '#api/errors'
import { parseContainerId } from '#api/ids'
import type { PodIdentity, SandboxRecord, SandboxState } from '#api/sandbox-record'
import { parseSandboxRecord } from '#api/sandbox-record-schema'
import { type AtomicFiles, isAtomicTemp } from '#kube/process/atomic-file'
import type { Clock } from '#kube/process/clock'
import type { Log } from '#kube/process/log'
import { isSystemError, missing, readStateFile } from './state-file.ts'

/** What is remembered of a record without reading its file. */
export interface SandboxSummary {
  readonly state: SandboxState
  readonly pod: PodIdentity
  readonly networks: readonly string[]
}

/** The durable records of this node's sandboxes. Callers serialise work on one sandbox. */
export interface Journal {
  /** Creates the record; false when there is one already: somebody else owns this ADD. */
  create(record: SandboxRecord): Promise<boolean>
  /** The record as it is on disk: a shim may have written it while the agent was away. */
  read(containerId: string): Promise<SandboxRecord | undefined>
  /** Replaces the record durably. */
  write(record: SandboxRecord): Promise<void>
  remove(containerId: string): Promise<void>
  /** Sandboxes that have a file now. */
  list(): Promise<readonly string[]>
  /** As of the last read or write of each sandbox. */
  readonly summaries: ReadonlyMap<string, SandboxSummary>
}

export interface JournalOptions {
  readonly directory: string
  readonly files: AtomicFiles
  readonly log: Log
  readonly clock: Pick<Clock, 'now'>
  readonly onCorrupt: (path: string) => void
}

const SUFFIX = '.json'
/** A temp file that old belongs to a writer that was killed. */
const STALE_TEMP_MS = 60_000

/** Opens the directory (mode 0700), sweeps temp files of killed writers and reads every record once. */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { directory, files } = options
  const summaries = new Map<string, SandboxSummary>()
  const pathOf = (containerId: string): string => {
    // Ids were parsed at the border; this keeps a bug from leaving the directory.
    if (parseContainerId(containerId) === undefined) throw new RangeError(`"${containerId}" is not a container id`)
    return join(directory, `${containerId}${SUFFIX}`)
  }
  const remember = (record: SandboxRecord): void => {
    summaries.set(record.containerId, {
      state: record.state,
      pod: record.pod,
      networks: record.attachments.filter(({ primary }) => !primary).map(({ network }) => network),
    })
  }
  const journal: Journal = {
    create: async (record) => {
      try {
        await files.createExclusive(pathOf(record.containerId), encode(record), { mode: 0o600 })
      } catch (cause) {
        if (isSystemError(cause, 'EEXIST')) return false
        throw unwritten(record, cause)
      }
      remember(record)
      return true
    },
    read: async (containerId) => {
      const path = pathOf(containerId)
      const record = await readStateFile({ ...options, path, parse: parseSandboxRecord })
      if (record === undefined) summaries.delete(containerId)
      else remember(record)
      return record
    },
    write: async (record) => {
      await files.write(pathOf(record.containerId), encode(record), { mode: 0o600 }).catch((cause: unknown) => {
        throw unwritten(record, cause)
      })
      remember(record)
    },
    remove: async (containerId) => {
      await files.remove(pathOf(containerId))
      summaries.delete(containerId)
    },
    list: async () => (await readdir(directory)).map(containerIdOf).filter((containerId) => containerId !== undefined),
    summaries,
  }
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await sweepTemps(directory, options.clock.now().getTime())
  for (const containerId of await journal.list()) {
    // One at a time: at start memory matters more than the milliseconds.
    // oxlint-disable-next-line no-await-in-loop
    await journal.read(containerId)
  }
  return journal
}

/** Removes temp files that no living writer can still own. */
async function sweepTemps(directory: string, now: number): Promise<void> {
  const temps = (await readdir(directory)).filter(isAtomicTemp).map((name) => join(directory, name))
  const removeStale = async (path: string): Promise<void> => {
    const found = await stat(path).catch(missing)
    if (found !== undefined && now - found.mtimeMs > STALE_TEMP_MS) await unlink(path).catch(missing)
  }
  await Promise.all(temps.map(removeStale))
}

function unwritten({ containerId }: SandboxRecord, cause: unknown): PlexusError {
  return new PlexusError(
    'Io',
    `the record of sandbox ${containerId} cannot be written; check the disk that holds the agent's state directory`,
    {
      cause,
    },
  )
}

function encode(record: SandboxRecord): string {
  return `${JSON.stringify(record)}\n`
}

function containerIdOf(file: string): string | undefined {
  return file.endsWith(SUFFIX) ? parseContainerId(file.slice(0, -SUFFIX.length)) : undefined
}
