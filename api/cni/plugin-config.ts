// Decides which single plugin entries of a config we execute. Never looks for the plugin.
import type { Json, JsonObject, Rejected } from '../json.ts'
import { isList, isObject, isRejected, rejected } from '../json.ts'
import { shown, under } from '../json-path.ts'

/** One plugin of a network. */
export interface PluginConfig {
  readonly type: string
  readonly ipamType?: string
  /** Capabilities the plugin declares and did not set to false. */
  readonly capabilities: readonly string[]
  /** As the user wrote it, unknown keys included, without the keys that are ours. */
  readonly conf: JsonObject
}

/** Keys with this prefix carry our own data from plan to plugin; a user's config never brings them. */
export const OWN_KEY_PREFIX = 'plexus.dev/'

const PLUGIN_TYPE = /^[A-Za-z0-9._-]+$/

/** Parses one plugin entry; `path` names it in messages. */
export function parsePlugin(item: Json, path: string): PluginConfig | Rejected {
  if (!isObject(item)) return rejected(path, `is ${shown(item)} and not an object`, 'write one plugin configuration object')
  const conf = withoutOwnKeys(item)
  const type = checkedType(conf['type'], under(path, 'type'))
  if (typeof type !== 'string') return type
  const ipamType = ipamTypeOf(conf['ipam'], under(path, 'ipam'))
  if (isRejected(ipamType)) return ipamType
  const capabilities = capabilitiesOf(conf['capabilities'], under(path, 'capabilities'))
  if (isRejected(capabilities)) return capabilities
  return { type, ...(ipamType !== undefined && { ipamType }), capabilities, conf }
}

/** A plugin's name is a file in the plugin directory: no paths, not ourselves, not another meta-plugin that would call us. */
export function checkedType(type: Json | undefined, path: string): string | Rejected {
  if (type === undefined || type === '') return rejected(path, 'is missing', 'write the name of the plugin')
  if (typeof type !== 'string' || !PLUGIN_TYPE.test(type) || type === '.' || type === '..') {
    return rejected(path, `${shown(type)} is not a plugin name`, 'use letters, digits, ".", "_" or "-"')
  }
  if (type === 'plexus' || type.startsWith('multus')) {
    return rejected(path, `"${type}" attaches other networks and cannot be one`, 'write the plugin that attaches this network')
  }
  return type
}

/** The config without our own keys, at any depth: a plugin may hand a part of its config to another plugin. */
export function withoutOwnKeys(object: JsonObject): JsonObject {
  return cleanedObject(object)
}

function cleaned(value: Json): Json {
  if (isList(value)) return value.map(cleaned)
  return isObject(value) ? cleanedObject(value) : value
}

function cleanedObject(object: JsonObject): JsonObject {
  const entries = Object.entries(object).filter(([key]) => !key.startsWith(OWN_KEY_PREFIX))
  return Object.fromEntries(entries.map(([key, value]) => [key, cleaned(value)]))
}

function ipamTypeOf(ipam: Json | undefined, path: string): string | undefined | Rejected {
  if (ipam === undefined || ipam === null) return undefined
  if (!isObject(ipam)) return rejected(path, `is ${shown(ipam)} and not an object`, 'write an object such as {"type": "host-local"}')
  const type = ipam['type'] ?? ''
  return type === '' ? undefined : checkedType(type, under(path, 'type'))
}

function capabilitiesOf(capabilities: Json | undefined, path: string): readonly string[] | Rejected {
  if (capabilities === undefined || capabilities === null) return []
  const remedy = 'write an object such as {"ips": true}'
  if (!isObject(capabilities)) return rejected(path, `is ${shown(capabilities)} and not an object`, remedy)
  for (const [key, value] of Object.entries(capabilities)) {
    if (typeof value !== 'boolean') return rejected(under(path, key), `${shown(value)} is not a boolean`, remedy)
  }
  return Object.keys(capabilities).filter((key) => capabilities[key] === true)
}
