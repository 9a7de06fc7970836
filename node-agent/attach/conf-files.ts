// Decides which file of the node's conf directories defines a network by name (spec/attachments 1.6, 1.7). Reads files, never writes.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ParsedConfig, parseNetworkConfig } from '#api/cni/config'
import { isObject, type Json, parseJson } from '#api/json'
import { MAX_CONFIG_BYTES } from '#api/limits'
import { isSystemError } from '../journal/state-file.ts'

const CONF = /\.(conf|conflist|json)$/
const CHAINED = /\.conf$/

/** The first conf whose JSON `name` is `name`, directories in their order, files by name; undefined when there is none. */
export async function findConfByName(directories: readonly string[], name: string): Promise<ParsedConfig | undefined> {
  for (const directory of directories) {
    // The order of directories decides, so they are read one after another.
    // oxlint-disable-next-line no-await-in-loop
    const found = await findIn(directory, name)
    if (found !== undefined) return found
  }
  return undefined
}

async function findIn(directory: string, name: string): Promise<ParsedConfig | undefined> {
  for (const file of await namesIn(directory, CONF)) {
    const path = join(directory, file)
    // oxlint-disable-next-line no-await-in-loop
    const text = await textOf(path)
    const value = text === undefined ? undefined : parsed(text)
    if (text !== undefined && isObject(value) && value['name'] === name) {
      // oxlint-disable-next-line no-await-in-loop
      return parseNetworkConfig(text, { path, name, chained: await chainedPlugins(join(directory, name)) })
    }
  }
  return undefined
}

/** Plugins that others dropped into `<dir>/<name>/*.conf`; a conflist takes them unless it says `loadOnlyInlinedPlugins`. */
async function chainedPlugins(directory: string): Promise<readonly Json[]> {
  const names = await namesIn(directory, CHAINED)
  const texts = await Promise.all(names.map((file) => textOf(join(directory, file))))
  return texts.map((text) => (text === undefined ? undefined : parsed(text))).filter((value) => value !== undefined)
}

function parsed(text: string): Json | undefined {
  const json = parseJson(text, { maxBytes: MAX_CONFIG_BYTES })
  return json.ok ? json.value : undefined
}

async function namesIn(directory: string, wanted: RegExp): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter((name) => wanted.test(name) && !name.startsWith('.')).toSorted()
  } catch (error) {
    if (isSystemError(error, 'ENOENT') || isSystemError(error, 'ENOTDIR')) return []
    throw error
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    // A file may go between the listing and the reading; directories may end in .conf.
    if (isSystemError(error, 'ENOENT') || isSystemError(error, 'EISDIR')) return undefined
    throw error
  }
}
