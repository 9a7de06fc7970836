// Decides which CNI configurations we execute and turns conf and conflist into one form. Never reads files, never resolves plugins.
import type { Json, JsonObject, Rejected } from '../json.ts'
import { isList, isObject, isRejected, parseJson, rejected } from '../json.ts'
import { pathTo, shown, under } from '../json-path.ts'
import { MAX_CONFIG_BYTES } from '../limits.ts'
import { type PluginConfig, parsePlugin } from './plugin-config.ts'
import { CNI_VERSIONS, type CniVersion, DEFAULT_CNI_VERSION, negotiateVersion } from './version.ts'

/** One network, ready to be executed. Plain JSON data: it travels over the stream and lies in the snapshot as it is. */
export interface NetworkConfig {
  readonly name: string
  /** The version every plugin is executed with. */
  readonly cniVersion: CniVersion
  /** How the user wrote it: one plugin, or `plugins`. */
  readonly form: 'conf' | 'conflist'
  /** At least one. */
  readonly plugins: readonly PluginConfig[]
  readonly disableCheck: boolean
  readonly disableGC: boolean
  readonly loadOnlyInlinedPlugins: boolean
}

export interface ConfigOptions {
  /** The field that holds the config, for messages: `spec.config`, or a file's name. */
  readonly path: string
  /** Name for a config that has none: the NAD's name. */
  readonly name: string
  /** cniVersion for a config that has none; 1.0.0 unless told. */
  readonly defaultVersion?: CniVersion
  /** Plugins from `<dir>/<name>/*.conf`, appended to a conflist unless it says `loadOnlyInlinedPlugins`. */
  readonly chained?: readonly Json[]
}

export type ParsedConfig = { readonly ok: true; readonly config: NetworkConfig } | Rejected

const NETWORK_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/
const WRITE_CONFIG = 'write one CNI configuration object'

/** Parses the text of a NAD's `spec.config` or of an on-disk conf or conflist. */
export function parseNetworkConfig(text: string, options: ConfigOptions): ParsedConfig {
  const parsed = parseJson(text, { maxBytes: MAX_CONFIG_BYTES })
  if (!parsed.ok) {
    const remedy = parsed.path === '' && parsed.problem.startsWith('not valid') ? WRITE_CONFIG : parsed.remedy
    return rejected(under(options.path, parsed.path), parsed.problem, remedy)
  }
  return readNetworkConfig(parsed.value, options)
}

/** The same for a config that is already parsed: inline in a profile, or rendered for a node. */
export function readNetworkConfig(value: Json, options: ConfigOptions): ParsedConfig {
  const { path } = options
  if (!isObject(value)) return rejected(path, `is ${shown(value)} and not an object`, WRITE_CONFIG)
  const name = nameOf(value, options)
  if (typeof name !== 'string') return name
  const cniVersion = versionOf(value, options)
  if (typeof cniVersion !== 'string') return cniVersion
  const isConf = (value['type'] ?? '') !== ''
  return isConf ? readConf(value, { path, name, cniVersion }) : readList(value, { path, name, cniVersion, chained: options.chained ?? [] })
}

/** The config as conf or conflist again, for rendering and for files. `readNetworkConfig` of it gives the same config. */
export function configSource(config: NetworkConfig): JsonObject {
  const { name, cniVersion, disableCheck, disableGC, loadOnlyInlinedPlugins } = config
  const [only] = config.plugins
  if (config.form === 'conf' && only !== undefined) return { ...withoutVersions(only.conf), name, cniVersion }
  return {
    cniVersion,
    name,
    ...(disableCheck && { disableCheck }),
    ...(disableGC && { disableGC }),
    ...(loadOnlyInlinedPlugins && { loadOnlyInlinedPlugins }),
    plugins: config.plugins.map(({ conf }) => conf),
  }
}

function withoutVersions(conf: JsonObject): JsonObject {
  const { cniVersions: _, ...rest } = conf
  return rest
}

interface Head {
  readonly path: string
  readonly name: string
  readonly cniVersion: CniVersion
}

function readConf(value: JsonObject, { path, name, cniVersion }: Head): ParsedConfig {
  const plugin = parsePlugin(value, path)
  if (isRejected(plugin)) return plugin
  const flags = { disableCheck: false, disableGC: false, loadOnlyInlinedPlugins: false }
  return { ok: true, config: { name, cniVersion, form: 'conf', plugins: [plugin], ...flags } }
}

function readList(value: JsonObject, head: Head & { readonly chained: readonly Json[] }): ParsedConfig {
  const { path, name, cniVersion, chained } = head
  const inlined = value['plugins']
  if (inlined === undefined && chained.length === 0) {
    return rejected(path, 'has neither "type" nor "plugins"', 'write "type" for one plugin, or "plugins" for a list')
  }
  if (inlined !== undefined && !isList(inlined))
    return rejected(under(path, 'plugins'), `is ${shown(inlined)} and not a list`, 'write a list')
  const disableCheck = flagOf(value, 'disableCheck', path)
  const disableGC = flagOf(value, 'disableGC', path)
  const loadOnlyInlinedPlugins = flagOf(value, 'loadOnlyInlinedPlugins', path)
  for (const flag of [disableCheck, disableGC, loadOnlyInlinedPlugins]) if (isRejected(flag)) return flag
  const plugins: PluginConfig[] = []
  for (const [index, item] of [...(inlined ?? []), ...(loadOnlyInlinedPlugins === true ? [] : chained)].entries()) {
    const plugin = parsePlugin(item, under(path, pathTo('plugins', index)))
    if (isRejected(plugin)) return plugin
    plugins.push(plugin)
  }
  if (plugins.length === 0) return rejected(under(path, 'plugins'), 'is empty', 'write at least one plugin')
  const flags = {
    disableCheck: disableCheck === true,
    disableGC: disableGC === true,
    loadOnlyInlinedPlugins: loadOnlyInlinedPlugins === true,
  }
  return { ok: true, config: { name, cniVersion, form: 'conflist', plugins, ...flags } }
}

function nameOf(value: JsonObject, options: ConfigOptions): string | Rejected {
  const written = value['name'] ?? ''
  const name = written === '' ? options.name : written
  if (typeof name === 'string' && NETWORK_NAME.test(name)) return name
  return rejected(
    under(options.path, 'name'),
    `${shown(name)} is not a network name`,
    'use letters, digits, ".", "_" or "-", a letter or digit first',
  )
}

function versionOf(value: JsonObject, options: ConfigOptions): CniVersion | Rejected {
  const cniVersion = value['cniVersion'] ?? ''
  const cniVersions = value['cniVersions'] ?? []
  const remedy = `use one of ${CNI_VERSIONS.join(', ')}`
  if (typeof cniVersion !== 'string') return rejected(under(options.path, 'cniVersion'), `${shown(cniVersion)} is not a string`, remedy)
  const listed = isList(cniVersions) ? cniVersions.filter((version) => typeof version === 'string') : undefined
  if (listed === undefined || !isList(cniVersions) || listed.length < cniVersions.length) {
    return rejected(under(options.path, 'cniVersions'), `${shown(cniVersions)} is not a list of strings`, remedy)
  }
  if (cniVersion === '' && listed.length === 0) return options.defaultVersion ?? DEFAULT_CNI_VERSION
  const chosen = negotiateVersion(cniVersion, listed)
  if (chosen !== undefined) return chosen
  const given = [cniVersion, ...listed].filter((version) => version !== '')
  return rejected(
    under(options.path, 'cniVersion'),
    `${given.map((version) => shown(version)).join(', ')} is not a CNI version we know`,
    remedy,
  )
}

/** libcni takes a boolean or the words true and false. */
function flagOf(value: JsonObject, key: string, path: string): boolean | Rejected {
  const flag = value[key] ?? false
  if (typeof flag === 'boolean') return flag
  const word = typeof flag === 'string' ? flag.toLowerCase() : ''
  if (word === 'true' || word === 'false') return word === 'true'
  return rejected(under(path, key), `${shown(flag)} is not a boolean`, 'write true or false')
}
