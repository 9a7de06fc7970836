// Decides which JSON objects are attachments, plans, records and node files. By hand, because the shim has a millisecond; the agent checks all of it again.
import type { JsonObject } from '#api/json'
import type { NodeFile, PrimaryNetwork, ReadyFile } from '#api/node-file'
import type { SandboxRecord, SandboxState } from '#api/sandbox-record'
import type { OperationAnswer, RecordedAttachment } from '#api/socket'
import { isObject, listOf, strings } from './read-json.ts'

/** Answer to `/v1/plan`, `/v1/del` and `/v1/check`. `/v1/del` may leave out cniVersion. */
export function parseOperationAnswer(body: JsonObject): OperationAnswer | undefined {
  const attachments = listOf(body['attachments'], parseAttachment)
  const binDirs = strings(body['binDirs'])
  const { cniVersion = '' } = body
  if (attachments === undefined || binDirs === undefined || typeof cniVersion !== 'string') return undefined
  return { attachments, binDirs, cniVersion }
}

/** The parts of a sandbox record that a shim needs. */
export interface KnownRecord {
  readonly state: SandboxState
  readonly attachments: readonly RecordedAttachment[]
  readonly binDirs: readonly string[]
  readonly bootId: string
  readonly changedAt: number
}

export function parseRecord(object: JsonObject): KnownRecord | undefined {
  const { version, state, bootId, changedAt } = object
  const attachments = listOf(object['attachments'], parseAttachment)
  const binDirs = strings(object['binDirs'])
  if (version !== 1 || attachments === undefined || binDirs === undefined || !isState(state)) return undefined
  if (typeof bootId !== 'string' || typeof changedAt !== 'number') return undefined
  return { state, attachments, binDirs, bootId, changedAt }
}

const STATES = ['planned', 'attached', 'deleting', 'gone'] as const satisfies readonly SandboxRecord['state'][]

function isState(value: unknown): value is SandboxState {
  return STATES.some((state) => state === value)
}

function parseAttachment(value: unknown): RecordedAttachment | undefined {
  if (!isObject(value)) return undefined
  const { network, ifName, primary, required, cniArgs, timeoutMs, result } = value
  const plugins = listOf(value['plugins'], (plugin) => (isObject(plugin) ? plugin : undefined))
  if (typeof network !== 'string' || typeof ifName !== 'string' || typeof cniArgs !== 'string' || plugins === undefined) return undefined
  if (typeof primary !== 'boolean' || typeof required !== 'boolean' || !isLimit(timeoutMs)) return undefined
  if (result !== undefined && !isObject(result)) return undefined
  return { network, ifName, primary, required, cniArgs, plugins, timeoutMs, ...(result && { result }), ...parseFlags(value) }
}

function parseFlags({ disableCheck, disableGC }: JsonObject): { readonly disableCheck?: true; readonly disableGC?: true } {
  return { ...(disableCheck === true && { disableCheck }), ...(disableGC === true && { disableGC }) }
}

function isLimit(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= 3_600_000
}

/** `<stateDir>/node.json`. */
export function parseNodeFile(object: JsonObject): NodeFile | undefined {
  const { version, withoutAgent, primaryNeedsAgent, defaultNetworks, delegateTimeoutMs } = object
  const lists = parseLists(object)
  const primary = parsePrimary(object['primary'])
  if (version !== 1 || lists === undefined || primary === undefined || !isLimit(delegateTimeoutMs)) return undefined
  if (withoutAgent !== 'PrimaryOnly' && withoutAgent !== 'Fail') return undefined
  if (typeof primaryNeedsAgent !== 'boolean' || typeof defaultNetworks !== 'boolean') return undefined
  return { version, withoutAgent, primaryNeedsAgent, defaultNetworks, delegateTimeoutMs, ...lists, ...primary }
}

function parseLists(object: JsonObject): Pick<NodeFile, 'binDirs' | 'systemNamespaces' | 'namespacesWithDefaults'> | undefined {
  const binDirs = strings(object['binDirs'])
  const systemNamespaces = strings(object['systemNamespaces'])
  const namespacesWithDefaults = strings(object['namespacesWithDefaults'])
  if (binDirs === undefined || systemNamespaces === undefined || namespacesWithDefaults === undefined) return undefined
  return { binDirs, systemNamespaces, namespacesWithDefaults }
}

/** `{}` when the agent has found no primary yet. */
function parsePrimary(value: unknown): { readonly primary?: PrimaryNetwork } | undefined {
  if (value === undefined) return {}
  if (!isObject(value)) return undefined
  const { name, cniVersion } = value
  const plugins = listOf(value['plugins'], (plugin) => (isObject(plugin) ? plugin : undefined))
  return typeof name === 'string' && typeof cniVersion === 'string' && plugins !== undefined
    ? { primary: { name, cniVersion, plugins, ...parseFlags(value) } }
    : undefined
}

/** `<runDir>/ready`. */
export function parseReady(object: JsonObject): ReadyFile | undefined {
  const { bootId, at } = object
  return typeof bootId === 'string' && typeof at === 'number' ? { bootId, at } : undefined
}
