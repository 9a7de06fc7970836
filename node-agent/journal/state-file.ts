// Decides what happens to a state file that cannot be read: it is set aside as `<name>.corrupt` and told, never deleted, never fatal.
import { readFile, rename } from 'node:fs/promises'
import { type Json, parseJson, sentenceOf } from '#api/json'
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
  const text = await readFile(path, 'utf8').catch(missing)
  if (text === undefined) return undefined
  const json = parseJson(text, { maxBytes: MAX_STATE_BYTES })
  const parsed = json.ok ? options.parse(json.value) : json
  if (parsed.ok) return parsed.value
  log.error('a state file is corrupt and was set aside', { path, problem: sentenceOf(parsed) })
  await rename(path, `${path}.corrupt`).catch(missing)
  options.onCorrupt(path)
  return undefined
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
