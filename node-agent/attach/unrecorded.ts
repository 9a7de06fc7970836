// Decides how a sandbox without a record is detached: with the configs that libcni cached at its ADD, else with the present primary.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type NetworkConfig, parseNetworkConfig, readNetworkConfig } from '#api/cni/config'
import { pluginInputs } from '#api/cni/plugin-input'
import { type JsonObject, parseJson } from '#api/json'
import { jsonObject, parsedBy } from '#api/socket-schema'
import type { PrimaryNetwork } from '#api/node-file'
import type { RecordedAttachment } from '#api/socket'
import type { Log } from '#kube/process/log'
import { isSystemError } from '../journal/state-file.ts'

/** What is asked about a sandbox that Plexus did not attach, or whose record was lost. */
export interface UnrecordedQuery {
  readonly containerId: string
  readonly ifName: string
  /** CNI_ARGS of the DEL. */
  readonly cniArgs: string
}

export interface Unrecorded {
  /** What libcni cached at the ADD, in that order. Never throws: a cache that cannot be read is as good as none. */
  cached(query: UnrecordedQuery): Promise<readonly RecordedAttachment[]>
  /** The present primary; empty while it is not known. */
  primaryAlone(query: UnrecordedQuery): readonly RecordedAttachment[]
}

const MAX_CACHE_BYTES = 4 * 1024 * 1024

const cached = z.object({
  kind: z.literal('cniCacheV1'),
  containerId: z.string(),
  config: z.base64(),
  ifName: z.string(),
  networkName: z.string().default(''),
  cniArgs: z
    .array(z.tuple([z.string(), z.string()]))
    .nullish()
    .transform((args) => args ?? []),
  capabilityArgs: jsonObject.nullish().transform((args) => args ?? {}),
  result: jsonObject.nullish().transform((result) => result ?? undefined),
})

export interface UnrecordedOptions {
  /** libcni's result caches (spec/attachments 3.2), ours and those of other meta-plugins. */
  readonly cacheDirs: readonly string[]
  readonly primary: () => PrimaryNetwork | undefined
  readonly timeoutMs: () => number
  readonly log: Log
}

export function openUnrecorded(options: UnrecordedOptions): Unrecorded {
  return {
    cached: async (query) => {
      const perDirectory = await Promise.all(options.cacheDirs.map((directory) => cachedIn(directory, query, options)))
      return perDirectory.flat().toSorted((a, b) => Number(b.primary) - Number(a.primary))
    },
    primaryAlone: ({ ifName, cniArgs }) => {
      const primary = options.primary()
      if (primary === undefined) return []
      const { name, cniVersion, plugins } = primary
      const read = readNetworkConfig({ name, cniVersion, plugins }, { path: 'primary', name })
      return read.ok ? [attachmentOf(read.config, { ifName, cniArgs, timeoutMs: options.timeoutMs() })] : []
    },
  }
}

async function cachedIn(directory: string, query: UnrecordedQuery, options: UnrecordedOptions): Promise<readonly RecordedAttachment[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (!isSystemError(error, 'ENOENT')) options.log.warn('a result cache cannot be read', { directory, error })
    return []
  })
  // Files are called <network>-<containerId>-<ifName>; both outer parts may hold dashes, the id decides.
  const mine = names.filter((name) => name.includes(`-${query.containerId}-`)).toSorted()
  const attachments = await Promise.all(mine.map((name) => readCached(join(directory, name), query, options)))
  return attachments.filter((attachment) => attachment !== undefined)
}

async function readCached(path: string, query: UnrecordedQuery, options: UnrecordedOptions): Promise<RecordedAttachment | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const json = parseJson(text, { maxBytes: MAX_CACHE_BYTES })
  const entry = json.ok ? parsedBy(cached, json.value) : json
  if (!entry.ok || entry.value.containerId !== query.containerId) return undefined
  const { config, networkName, ifName, cniArgs, capabilityArgs, result } = entry.value
  const parsed = parseNetworkConfig(Buffer.from(config, 'base64').toString('utf8'), { path, name: networkName })
  // The runtime caches our own conf too; we are no delegate of ourselves.
  if (!parsed.ok) return undefined
  return attachmentOf(parsed.config, {
    ifName,
    cniArgs: cniArgs.length === 0 ? query.cniArgs : cniArgs.map((pair) => pair.join('=')).join(';'),
    runtimeConfig: capabilityArgs,
    result,
    primary: ifName === query.ifName,
    timeoutMs: options.timeoutMs(),
  })
}

function attachmentOf(
  config: NetworkConfig,
  found: {
    readonly ifName: string
    readonly cniArgs: string
    readonly timeoutMs: number
    readonly runtimeConfig?: JsonObject
    readonly result?: JsonObject | undefined
    readonly primary?: boolean
  },
): RecordedAttachment {
  const { ifName, cniArgs, timeoutMs, runtimeConfig = {}, result, primary = true } = found
  const plugins = pluginInputs(config, { runtimeConfig })
  return { network: config.name, ifName, primary, required: true, cniArgs, plugins, timeoutMs, ...(result === undefined ? {} : { result }) }
}
