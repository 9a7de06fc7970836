// Decides which files `-f` names: a file, every manifest below a directory, or standard input. Never parses them.
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { PlexusError } from '#api/errors'
import { isError } from '#kube/process/is-error'

export interface FileText {
  readonly file: string
  readonly text: string
}

const MANIFEST = /\.(ya?ml|json)$/

/** Reads what `-f` names; throws `Io` with the path. */
export async function readFiles(names: readonly string[], stdin: NodeJS.ReadableStream): Promise<readonly FileText[]> {
  const found = await Promise.all(names.map((name) => filesOf(name)))
  return Promise.all(
    found.flat().map(async (file) => ({ file: file === '-' ? 'stdin' : file, text: file === '-' ? await text(stdin) : await read(file) })),
  )
}

async function filesOf(name: string): Promise<readonly string[]> {
  if (name === '-') return [name]
  const seen = await stat(name).catch((cause: unknown) => {
    throw unreadable(name, cause)
  })
  if (!seen.isDirectory()) return [name]
  const entries = await readdir(name, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && MANIFEST.test(entry.name)).map((entry) => join(entry.parentPath, entry.name))
  if (files.length === 0) throw new PlexusError('Io', `-f ${name}: the directory holds no .yaml, .yml or .json file; name another one`)
  return files.toSorted()
}

async function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw unreadable(file, cause)
  })
}

function unreadable(name: string, cause: unknown): PlexusError {
  const why = isError(cause) && 'code' in cause ? String(cause.code) : 'unknown'
  return new PlexusError('Io', `-f ${name}: it cannot be read (${why}); name a file or a directory`, { cause })
}
