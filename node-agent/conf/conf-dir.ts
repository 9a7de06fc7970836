// Decides how conf directories are read: bounded, in the order of runtimes, without temporary files. Never judges what a file says.
import { constants, type Dirent } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MAX_CONFIG_BYTES } from '#api/limits'
import { isAtomicTemp } from '#kube/process/atomic-file'
import { isSystemError } from '../journal/state-file.ts'
import { isConfName } from './own-conf.ts'
import type { ConfFile } from './plan-conf.ts'

/** A conf directory holds a handful of files; more than this is a mistake that must not cost memory. */
const MOST_FILES = 256

/** Where confs are searched by name: the runtime's directory, its `multus` directory where the TKE fork keeps them, then the extra ones. */
export function namedConfDirs(confDir: string, extra: readonly string[]): readonly string[] {
  return [confDir, join(confDir, 'multus'), ...extra]
}

/** Files with a conf extension, sorted by name. A missing directory is empty; a file that vanishes meanwhile or is too large is left out. */
export async function readConfDir(directory: string): Promise<readonly ConfFile[]> {
  const names = (await entriesOf(directory)).filter((entry) => !entry.isDirectory() && isConfName(entry.name)).map((entry) => entry.name)
  const chosen = names.toSorted().slice(0, MOST_FILES)
  const files = await Promise.all(chosen.map(async (name) => ({ name, text: await readBounded(join(directory, name)) })))
  return files.flatMap(({ name, text }) => (text === undefined ? [] : [{ name, text }]))
}

/** Names of files that a killed agent left in the directory while it wrote one of `names`. */
export async function leftoverTemps(directory: string, names: readonly string[]): Promise<readonly string[]> {
  const entries = await entriesOf(directory)
  const ours = entries.filter(({ name }) => isAtomicTemp(name) && names.some((final) => name.startsWith(`.${final}.`)))
  return ours.map(({ name }) => join(directory, name))
}

/** The file's text; undefined when there is none, it is no regular file (a pipe would block us) or larger than any configuration. */
export async function readBounded(path: string): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(ignoreGone)
  if (file === undefined) return undefined
  try {
    const found = await file.stat()
    return !found.isFile() || found.size > MAX_CONFIG_BYTES ? undefined : await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

async function entriesOf(directory: string): Promise<readonly Dirent[]> {
  return (await readdir(directory, { withFileTypes: true }).catch(ignoreGone)) ?? []
}

/** A dangling link, a directory instead of a file: nothing to read for us or for the runtime. */
const GONE = ['ENOENT', 'EISDIR', 'ELOOP', 'ENOTDIR', 'ENXIO'] as const

function ignoreGone(error: unknown): undefined {
  if (GONE.some((code) => isSystemError(error, code))) return undefined
  throw error
}
