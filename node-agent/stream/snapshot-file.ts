// Decides how the snapshot outlives the agent: one file, written after changes at a bounded rate, read once at start. Never interprets an object.
import { readFile } from 'node:fs/promises'
import { isList, isObject, type Json, parseJson } from '#api/json'
import type { PutMessage, Revision } from '#api/stream'
import { formatRevision, parseRevision } from '#api/stream'
import { parseStreamMessage } from '#api/stream-schema'
import type { AtomicFiles } from '#kube/process/atomic-file'
import type { Log } from '#kube/process/log'
import { isSystemError } from '../journal/state-file.ts'
import type { SnapshotContents } from './held-snapshot.ts'

/** A cluster of thousands of networks stays far below; a larger file is not ours. */
const MAX_SNAPSHOT_BYTES = 256 * 1024 * 1024

/** Reads `<state-dir>/snapshot.json`; undefined when there is none, or none that can be believed: the operator then sends everything anew. */
export async function readSnapshotFile(path: string, log: Log): Promise<SnapshotContents | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (!isSystemError(error, 'ENOENT')) log.warn('the kept snapshot cannot be read; the agent waits for the operator', { path, error })
    return undefined
  })
  if (text === undefined) return undefined
  const parsed = parseSnapshotText(text)
  if (typeof parsed !== 'string') return parsed
  log.warn('the kept snapshot is damaged and is ignored; the agent waits for the operator', { path, problem: parsed })
  return undefined
}

/** Writes the snapshot so that a crash leaves the old or the new one. Mode 0600: network configurations may hold credentials. */
export async function writeSnapshotFile(files: AtomicFiles, path: string, contents: SnapshotContents): Promise<void> {
  await files.write(path, snapshotText(contents), { mode: 0o600 })
}

/** The file's text: `{"version":1,"revision":"4.17","messages":[put, ...]}`. */
export function snapshotText(contents: SnapshotContents): string {
  return JSON.stringify({ version: 1, revision: formatRevision(contents.revision), messages: contents.messages })
}

/** The contents, or what is wrong with the text. */
export function parseSnapshotText(text: string): SnapshotContents | string {
  const json = parseJson(text, { maxBytes: MAX_SNAPSHOT_BYTES, maxDepth: 96 })
  if (!json.ok) return json.problem
  if (!isObject(json.value) || json.value['version'] !== 1) return 'it has no version that this agent reads'
  const { revision, messages } = json.value
  const known = typeof revision === 'string' ? parseRevision(revision) : undefined
  if (known === undefined || !isList(messages)) return 'it has no revision or no messages'
  return parsePuts(known, messages)
}

function parsePuts(revision: Revision, messages: readonly Json[]): SnapshotContents | string {
  const puts: PutMessage[] = []
  for (const item of messages) {
    const parsed = parseStreamMessage(JSON.stringify(item))
    if (!parsed.ok) return `${parsed.path} ${parsed.problem}`
    if (parsed.message.type !== 'put') return 'it holds a message that puts nothing'
    puts.push(parsed.message)
  }
  return { revision, messages: puts }
}
