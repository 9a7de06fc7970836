// Decides how a request of Multus' own shim is carried out: by our shim, so that order, locks, roll-back and codes are the same. Never plans.
import { ERRORS, type ErrorCode, PlexusError } from '#api/errors'
import { isObject, type JsonObject, parseJson, sentenceOf } from '#api/json'
import { MAX_CONFIG_BYTES } from '#api/limits'
import type { DelegateError } from '#api/socket'
import type { PluginAdder, PluginCall, PluginRunner } from '../delegates/plugin-process.ts'
import { checkPodVariables, CNI_VERBS, type CniVerb, type MultusRequest, verbOf } from './request.ts'

export interface CniOptions {
  readonly runner: PluginRunner & PluginAdder
  /** Where our shim and plugins lie, after the client's CNI_PATH. */
  readonly binDirs: () => readonly string[]
  readonly stateDir: string
  readonly runDir: string
}

/** The answer of Multus' socket: a result for ADD only. */
export interface MultusAnswer {
  readonly Result?: JsonObject
}

/** A whole ADD: every network has a limit of its own. */
const LIMIT_MS = 600_000
/** What the runtime says to a plugin besides its configuration. */
const PASSED_ON = ['runtimeConfig', 'prevResult', 'cni.dev/valid-attachments', 'cni.dev/attachments']

/** `POST /cni`. Throws with the CNI code of whatever failed. */
export async function cni(options: CniOptions, request: MultusRequest, signal: AbortSignal): Promise<MultusAnswer> {
  const verb = verbOf(request, CNI_VERBS)
  if (verb !== 'GC' && verb !== 'STATUS') checkPodVariables(request)
  const call = { ...shimCall(request, verb, options), signal }
  if (verb === 'ADD') {
    const added = await options.runner.add(call)
    if (!added.ok) throw told(added.error)
    return { Result: added.result }
  }
  const error = await options.runner.run(call)
  if (error !== undefined) throw told(error)
  return {}
}

function shimCall({ env, config }: MultusRequest, verb: CniVerb, options: CniOptions): Omit<PluginCall, 'signal'> {
  const variable = (name: string): string => env[name] ?? ''
  const path = variable('CNI_PATH').split(':')
  return {
    type: 'plexus',
    command: verb,
    env: {
      CNI_CONTAINERID: variable('CNI_CONTAINERID'),
      CNI_NETNS: variable('CNI_NETNS'),
      CNI_IFNAME: env['CNI_IFNAME'] ?? 'eth0',
      CNI_ARGS: variable('CNI_ARGS'),
    },
    binDirs: [...new Set([...path, ...options.binDirs()])].filter((directory) => directory.startsWith('/')),
    stdin: shimConfig(config, verb, options),
    timeoutMs: LIMIT_MS,
  }
}

/**
 * The conf that a runtime would give to our shim. Networks are the profile's business, so that nothing of Multus' own configuration is
 * used. The client converts the result to its own version; 1.0.0 is what the oldest of them understands.
 */
function shimConfig(text: string, verb: CniVerb, { stateDir, runDir }: CniOptions): JsonObject {
  const json = parseJson(text, { maxBytes: MAX_CONFIG_BYTES })
  if (!json.ok || !isObject(json.value)) {
    const problem = json.ok ? 'is not an object; send the network configuration' : sentenceOf(json)
    throw new PlexusError('Undecodable', `config: ${problem}`)
  }
  const given = json.value
  const passed = Object.fromEntries(PASSED_ON.flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]]])))
  const cniVersion = verb === 'GC' || verb === 'STATUS' ? '1.1.0' : '1.0.0'
  return { ...passed, cniVersion, name: 'plexus', type: 'plexus', stateDir, runDir }
}

/** Our shim says the name of the registry in `details`, which the runner appends. */
function told({ code, msg }: DelegateError): PlexusError {
  const name = msg.slice(msg.lastIndexOf(': ') + 2)
  if (!isErrorCode(name)) return new PlexusError('DelegateFailed', msg, { cniCode: code })
  return new PlexusError(name, msg.slice(0, msg.lastIndexOf(': ')), { cniCode: code })
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text)
}
