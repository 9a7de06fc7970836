// Decides what our own CNI conf says and whether a file is one of ours. Pure: never reads or writes a file.
import type { CniVersion } from '#api/cni/version'
import { isList, isObject, type Json, type JsonObject, parseJson } from '#api/json'
import { MAX_CONFIG_BYTES } from '#api/limits'

/** Extensions that runtimes take for CNI configurations. */
export const CONF_EXTENSIONS = ['.conf', '.conflist', '.json'] as const

/** What runtimes may pass us in runtimeConfig; the pod's annotations among it (spec/architecture, Runtime attach). */
const CAPABILITIES = [
  'portMappings',
  'bandwidth',
  'ipRanges',
  'dns',
  'ips',
  'mac',
  'infinibandGUID',
  'deviceID',
  'aliases',
  'cgroupPath',
  'CNIDeviceInfoFile',
  'io.kubernetes.cri.pod-annotations',
] as const

/** The part of the conf that is ours; plugins of others may follow it. */
export interface OwnPart {
  readonly cniVersion: CniVersion
  readonly name: 'plexus'
  readonly plugin: JsonObject
}

/** What one file of the conf directory is. */
export type ConfContent =
  /** `part` is our part as canonical text; `appended` are plugins that others put behind ours. */
  | { readonly kind: 'ours'; readonly part: string; readonly cniVersion: string; readonly appended: readonly Json[] }
  /** `type` of the first plugin. */
  | { readonly kind: 'foreign'; readonly type: string }
  /** Not a CNI configuration: half written, empty, or something else. */
  | { readonly kind: 'damaged' }

/** Our part for these directories. */
export function ownPart(options: { readonly cniVersion: CniVersion; readonly stateDir: string; readonly runDir: string }): OwnPart {
  const { cniVersion, stateDir, runDir } = options
  const capabilities = Object.fromEntries(CAPABILITIES.map((capability) => [capability, true]))
  return { cniVersion, name: 'plexus', plugin: { type: 'plexus', capabilities, stateDir, runDir } }
}

/** The conf file's text. */
export function confText(part: OwnPart, appended: readonly Json[]): string {
  const { cniVersion, name, plugin } = part
  return `${JSON.stringify({ cniVersion, name, plugins: [plugin, ...appended] }, undefined, 2)}\n`
}

/** Our part as text that is equal for equal content, whatever order others wrote its keys in. */
export function partText(part: { readonly cniVersion: Json; readonly name: Json; readonly plugin: Json }): string {
  return JSON.stringify(sorted({ cniVersion: part.cniVersion, name: part.name, plugin: part.plugin }))
}

/** Reads one file of a conf directory. */
export function readConf(text: string): ConfContent {
  const json = parseJson(text, { maxBytes: MAX_CONFIG_BYTES })
  if (!json.ok || !isObject(json.value)) return { kind: 'damaged' }
  const { type, plugins, cniVersion, name } = json.value
  if (typeof type === 'string' && type !== '') return { kind: 'foreign', type }
  const [first, ...appended] = isList(plugins) ? plugins : []
  if (!isObject(first) || typeof first['type'] !== 'string') return { kind: 'damaged' }
  if (first['type'] !== 'plexus') return { kind: 'foreign', type: first['type'] }
  const part = partText({ cniVersion: cniVersion ?? '', name: name ?? '', plugin: first })
  return { kind: 'ours', part, cniVersion: typeof cniVersion === 'string' ? cniVersion : '', appended }
}

/** Whether runtimes would look at a file of this name. */
export function isConfName(name: string): boolean {
  return !name.startsWith('.') && CONF_EXTENSIONS.some((extension) => name.endsWith(extension))
}

/** Whether a conf belongs to the meta-plugin that we replace. */
export function isMultus(name: string, content: ConfContent): boolean {
  return /^00-multus\.conf(list)?$/.test(name) || (content.kind === 'foreign' && content.type.startsWith('multus'))
}

function sorted(value: Json): Json {
  if (isList(value)) return value.map(sorted)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  )
}
