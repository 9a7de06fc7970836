// Decides which file of the node's conf directories defines a network by name or path (spec/attachments 1.6, 1.7). Reads files, never writes.
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ParsedConfig, parseNetworkConfig, readNetworkConfig } from '#api/cni/config'
import { type CniVersion, DEFAULT_CNI_VERSION } from '#api/cni/version'
import { isObject, type Json, parseJson } from '#api/json'
import { MAX_CONFIG_BYTES } from '#api/limits'
import { readBounded } from './conf-dir.ts'
import { isSystemError } from '../journal/state-file.ts'

const CONF = /\.(conf|conflist|json)$/
const CHAINED = /\.conf$/
/** What may be a directory of chained plugins: a network's name that cannot leave its directory. */
const CHAIN_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

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

/** The conf at an absolute path, or the first one of the directory there; undefined when there is none. */
export async function findConfByPath(path: string): Promise<ParsedConfig | undefined> {
  const [first] = await namesIn(path, CONF)
  const file = first === undefined ? path : join(path, first)
  const text = await readBounded(file)
  return text === undefined
    ? undefined
    : parseNetworkConfig(text, { path: file, name: 'unnamed', chained: await chainedPlugins(file, text) })
}

async function findIn(directory: string, name: string): Promise<ParsedConfig | undefined> {
  for (const file of await namesIn(directory, CONF)) {
    const path = join(directory, file)
    // oxlint-disable-next-line no-await-in-loop
    const text = await readBounded(path)
    if (text !== undefined && nameIn(text) === name) {
      // oxlint-disable-next-line no-await-in-loop
      return parseNetworkConfig(text, { path, name, chained: await chainedPlugins(path, text) })
    }
  }
  return undefined
}

/** Plugins that others dropped into `<directory>/<name>/*.conf`; a conflist takes them unless it says `loadOnlyInlinedPlugins`. */
export async function chainedPlugins(path: string, text: string): Promise<readonly Json[]> {
  const name = nameIn(text)
  return name === undefined || !CHAIN_NAME.test(name) ? [] : await pluginsIn(join(dirname(path), name))
}

/** The plugins of the first directory that has any under this name; undefined when none has: then there is no such chain. */
export async function findAuxiliaryChain(
  directories: readonly string[],
  chain: { readonly name: string; readonly cniVersion?: CniVersion },
): Promise<ParsedConfig | undefined> {
  const { name, cniVersion = DEFAULT_CNI_VERSION } = chain
  for (const directory of directories) {
    // oxlint-disable-next-line no-await-in-loop
    const plugins = await pluginsIn(join(directory, name))
    if (plugins.length > 0) return readNetworkConfig({ name, cniVersion, plugins }, { path: join(directory, name), name })
  }
  return undefined
}

async function pluginsIn(directory: string): Promise<readonly Json[]> {
  const names = await namesIn(directory, CHAINED)
  const texts = await Promise.all(names.map((file) => readBounded(join(directory, file))))
  return texts.map((text) => (text === undefined ? undefined : parsed(text))).filter((value) => value !== undefined)
}

function nameIn(text: string): string | undefined {
  const value = parsed(text)
  const name = isObject(value) ? value['name'] : undefined
  return typeof name === 'string' ? name : undefined
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
