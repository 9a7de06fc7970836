// Decides what happens to a state file that cannot be read: it is set aside as `<name>.corrupt` and told, never deleted, never fatal.
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { type Json, parseJson, type Rejected, rejected, sentenceOf } from '#api/json'
import type { Parsed } from '#api/socket-schema'
import type { Log } from '#kube/process/log'

/** Largest state file in bytes: a record holds at most the plan's answer and the results. */
const MAX_STATE_BYTES = 8 * 1024 * 1024

export interface StateFileOptions<T> {
  readonly path: string
  readonly parse: (json: Json) => Parsed<T>
  readonly log: Log
  /** Hears of every file that was set aside. */
  readonly onCorrupt: (path: string) => void
}

/** The file's content; undefined when there is none, or when it was corrupt and is now set aside. */
export async function readStateFile<T>(options: StateFileOptions<T>): Promise<T | undefined> {
  const { path, log } = options
  const read = readRegular(path)
  if (read === undefined) return undefined
  const json = read.ok ? parseJson(read.text, { maxBytes: MAX_STATE_BYTES }) : read
  const parsed = json.ok ? options.parse(json.value) : json
  if (parsed.ok) return parsed.value
  log.error('a state file is corrupt and was set aside', { path, problem: sentenceOf(parsed) })
  await rename(path, `${path}.corrupt`).catch(missing)
  options.onCorrupt(path)
  return undefined
}

type Read = { readonly ok: true; readonly text: string } | Rejected

/**
 * What lies under the name may be a pipe, which would block its reader for ever, a directory, or larger than memory. Read at once: records are
 * small and were just written; through threads the reading costs 60 us of CPU instead of 4 (measured).
 */
function readRegular(path: string): Read | undefined {
  const no = (problem: string): Read => rejected('', problem, 'find out who put it there')
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const found = fstatSync(file)
      if (!found.isFile()) return no('it is not a regular file')
      if (found.size > MAX_STATE_BYTES) return no(`it is larger than ${MAX_STATE_BYTES} bytes`)
      return { ok: true, text: readFileSync(file, 'utf8') }
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (isSystemError(error, 'ELOOP') || isSystemError(error, 'ENXIO')) return no('it is not a regular file')
    return missing(error)
  }
}

/** Turns ENOENT into undefined and throws everything else. */
export function missing(error: unknown): undefined {
  if (isSystemError(error, 'ENOENT')) return undefined
  throw error
}

/** True for the system error with this code. By its field: errors of node's own modules may come from another realm. */
export function isSystemError(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code
}
