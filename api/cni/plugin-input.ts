// Decides the exact stdin of a plugin (spec/attachments 1.9, 3.2). Nothing of the user's config is removed. Never executes.
import type { Json, JsonObject } from '../json.ts'
import { isObject } from '../json.ts'
import type { ValidAttachment } from '../socket.ts'
import type { NetworkConfig } from './config.ts'
import type { PluginConfig } from './plugin-config.ts'
import { type CniVersion, isAtLeast } from './version.ts'

export interface PluginInput {
  /** Capability arguments of the attachment; each plugin gets those it declares. See api/capabilities.ts. */
  readonly runtimeConfig?: JsonObject
  /** `cni-args` of the annotation, merged over `args.cni`. */
  readonly cniArgs?: JsonObject
  /** Device given to the attachment: `deviceID` and `pciBusID` of every plugin. */
  readonly deviceId?: string
}

/** stdin of every plugin of a network in ADD order, complete except for prevResult. Serialise with `sortedJson`. */
export function pluginInputs(config: NetworkConfig, input: PluginInput): readonly JsonObject[] {
  return config.plugins.map((plugin) => pluginInput(plugin, config, input))
}

function pluginInput(plugin: PluginConfig, config: NetworkConfig, input: PluginInput): JsonObject {
  const { conf } = plugin
  const { deviceId, cniArgs } = input
  const runtimeConfig = declared(plugin, input.runtimeConfig ?? {})
  return {
    ...conf,
    name: config.name,
    cniVersion: config.cniVersion,
    ...(deviceId !== undefined && { deviceID: deviceId, pciBusID: deviceId }),
    ...(cniArgs !== undefined && { args: withCniArgs(conf['args'], cniArgs) }),
    ...(Object.keys(runtimeConfig).length > 0 && { runtimeConfig }),
  }
}

/** Only what the plugin says it can take. A plugin that declares nothing gets no runtimeConfig at all. */
function declared(plugin: PluginConfig, runtimeConfig: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(runtimeConfig).filter(([key]) => plugin.capabilities.includes(key)))
}

function withCniArgs(args: Json | undefined, cniArgs: JsonObject): JsonObject {
  const own = isObject(args) ? args : {}
  const cni = isObject(own['cni']) ? own['cni'] : {}
  return { ...own, cni: { ...cni, ...cniArgs } }
}

/**
 * stdin with the result before this plugin. ADD chains it; DEL and CHECK carry the attachment's final result, which confs below 0.4.0
 * do not know. `prevResult` is in the conf's version (`resultAs`).
 */
export function withPrevResult(stdin: JsonObject, prevResult: JsonObject | undefined, verb: 'ADD' | 'DEL' | 'CHECK'): JsonObject {
  if (prevResult === undefined) return stdin
  const version = stdin['cniVersion']
  if (verb !== 'ADD' && !(typeof version === 'string' && knowsPrevResult(version))) return stdin
  return { ...stdin, prevResult }
}

function knowsPrevResult(version: string): boolean {
  return version !== '' && version !== '0.1.0' && version !== '0.2.0' && version !== '0.3.0' && version !== '0.3.1'
}

/** stdin of GC: the attachments that must stay. The second key is what libcni sent before the specification was final. */
export function gcInput(stdin: JsonObject, valid: readonly ValidAttachment[]): JsonObject {
  const { runtimeConfig: _, prevResult: __, ...conf } = stdin
  const attachments = valid.map(({ containerID, ifname }) => ({ containerID, ifname }))
  return { ...conf, 'cni.dev/valid-attachments': attachments, 'cni.dev/attachments': attachments }
}

/** Whether a conf of this version may be asked CHECK, STATUS or GC. */
export function knowsVerb(version: CniVersion, verb: 'CHECK' | 'STATUS' | 'GC'): boolean {
  return isAtLeast(version, verb === 'CHECK' ? '0.4.0' : '1.1.0')
}
