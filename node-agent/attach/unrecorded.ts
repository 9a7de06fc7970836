// Decides how a sandbox without a record is detached: with the configs that libcni and Multus cached at its ADD, else with the present primary.
import { rm, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type NetworkConfig, parseNetworkConfig, readNetworkConfig } from '#api/cni/config'
import { pluginInputs } from '#api/cni/plugin-input'
import { parseResult } from '#api/cni/result'
import { resultAs } from '#api/cni/result-text'
import { type CniVersion, DEFAULT_CNI_VERSION } from '#api/cni/version'
import type { JsonObject } from '#api/json'
import type { PrimaryNetwork } from '#api/node-file'
import type { RecordedAttachment } from '#api/socket'
import type { Log } from '#kube/process/log'
import { forgetMultusCache, type MultusDelegate, readMultusCache } from './multus-cache.ts'
import { type CachedResult, isOwn, readResultCache } from './result-cache.ts'

/** What is asked about a sandbox that Plexus did not attach, or whose record was lost. */
export interface UnrecordedQuery {
  readonly containerId: string
  readonly ifName: string
  /** CNI_ARGS of the DEL. */
  readonly cniArgs: string
  /** For configs that name no version. */
  readonly cniVersion?: CniVersion
}

export interface Unrecorded {
  /** What libcni and Multus cached at the ADD, in that order, primary first. Never throws: a cache that cannot be read is as good as none. */
  cached(query: UnrecordedQuery): Promise<readonly RecordedAttachment[]>
  /** The present primary; empty while it is not known. */
  primaryAlone(query: UnrecordedQuery): readonly RecordedAttachment[]
  /** Every result in the caches, with those of our own conf. */
  all(): Promise<readonly CachedResult[]>
  /** Removes what Multus kept of a sandbox that is detached. The runtime's cache is its own. */
  forget(containerId: string): Promise<void>
}

export interface UnrecordedOptions {
  /** The runtime's result cache, /var/lib/cni/results. */
  readonly runtimeCache: string
  /** Where Multus keeps its delegates, /var/lib/cni/multus; libcni's results of them are in `results` below it. */
  readonly multusCache: string
  readonly primary: () => PrimaryNetwork | undefined
  readonly timeoutMs: () => number
  readonly log: Log
}

/** Names of files begin with a network's name, which may be anything. */
const RESULTS = 'results'

export function openUnrecorded(options: UnrecordedOptions): Unrecorded {
  const { multusCache, runtimeCache, log } = options
  const caches = [join(multusCache, RESULTS), runtimeCache]
  return {
    cached: async (query) => {
      const { containerId } = query
      const delegates = await readMultusCache(multusCache, containerId)
      const results = (await Promise.all(caches.map((directory) => readResultCache(directory, { containerId, log })))).flat()
      return attachmentsOf(query, { delegates: delegates ?? [], results: results.filter((entry) => !isOwn(entry)) }, options.timeoutMs())
    },
    primaryAlone: (query) => {
      const primary = options.primary()
      if (primary === undefined) return []
      const read = readNetworkConfig({ ...primary }, { path: 'primary', name: primary.name })
      return read.ok ? [attachmentOf(read.config, { ...query, primary: true, timeoutMs: options.timeoutMs() })] : []
    },
    all: async () => (await Promise.all(caches.map((directory) => readResultCache(directory, { log })))).flat(),
    forget: async (containerId) => {
      await forgetMultusCache(multusCache, containerId)
      const directory = join(multusCache, RESULTS)
      const names = await readdir(directory).catch(() => [])
      await Promise.all(names.filter((name) => name.includes(`-${containerId}-`)).map((name) => rm(join(directory, name), { force: true })))
    },
  }
}

/** libcni's results hold exact configs, Multus' list their order; what was hot-plugged is in the results alone. */
function attachmentsOf(
  query: UnrecordedQuery,
  { delegates, results }: { readonly delegates: readonly MultusDelegate[]; readonly results: readonly CachedResult[] },
  timeoutMs: number,
): readonly RecordedAttachment[] {
  const made: RecordedAttachment[] = []
  const used = new Set<CachedResult>()
  for (const [index, delegate] of delegates.entries()) {
    const ifName = delegate.ifName ?? (index === 0 ? query.ifName : `net${index}`)
    const parsed = parsedConfig(delegate.config, query, 'multus')
    const result = results.find((entry) => entry.ifName === ifName && (parsed === undefined || entry.network === parsed.name))
    if (result !== undefined) used.add(result)
    const cniArgs = `${query.cniArgs}${delegate.cniArgs}`
    const { runtimeConfig } = delegate
    const found = result === undefined ? undefined : cachedAttachment(result, query, { primary: index === 0, timeoutMs })
    if (found !== undefined) made.push(found)
    else if (parsed !== undefined) made.push(attachmentOf(parsed, { ifName, cniArgs, runtimeConfig, primary: index === 0, timeoutMs }))
  }
  const rest = results.filter((entry) => !used.has(entry))
  const more = rest.map((entry) =>
    cachedAttachment(entry, query, { primary: delegates.length === 0 && entry.ifName === query.ifName, timeoutMs }),
  )
  return [...made, ...more.filter((attachment) => attachment !== undefined).toSorted((a, b) => Number(b.primary) - Number(a.primary))]
}

function cachedAttachment(
  entry: CachedResult,
  query: UnrecordedQuery,
  more: { readonly primary: boolean; readonly timeoutMs: number },
): RecordedAttachment | undefined {
  const config = parsedConfig(entry.config, query, entry.network)
  if (config === undefined) return undefined
  const { ifName, capabilityArgs: runtimeConfig, result } = entry
  return attachmentOf(config, { ...more, ifName, runtimeConfig, result, cniArgs: entry.cniArgs === '' ? query.cniArgs : entry.cniArgs })
}

/** The config; one without a version gets that of the runtime's conf, as Multus gave it its own. */
function parsedConfig(text: string, { cniVersion }: UnrecordedQuery, name: string): NetworkConfig | undefined {
  const parsed = parseNetworkConfig(text, { path: 'cache', name, defaultVersion: cniVersion ?? DEFAULT_CNI_VERSION })
  return parsed.ok ? parsed.config : undefined
}

function attachmentOf(
  config: NetworkConfig,
  found: {
    readonly ifName: string
    readonly cniArgs: string
    readonly timeoutMs: number
    readonly primary: boolean
    readonly runtimeConfig?: JsonObject
    readonly result?: JsonObject | undefined
  },
): RecordedAttachment {
  const { ifName, cniArgs, timeoutMs, runtimeConfig = {}, primary } = found
  const plugins = pluginInputs(config, { runtimeConfig })
  const result = resultIn(config.cniVersion, found.result)
  return {
    network: config.name,
    ifName,
    primary,
    required: true,
    cniArgs,
    plugins,
    timeoutMs,
    ...(config.disableCheck && { disableCheck: true }),
    ...(config.disableGC && { disableGC: true }),
    ...(result === undefined ? {} : { result }),
  }
}

/** prevResult is said in the version of the conf, as libcni says it; one that cannot be is left out. */
function resultIn(version: CniVersion, result: JsonObject | undefined): JsonObject | undefined {
  const parsed = result === undefined ? undefined : parseResult(result, version)
  const written = parsed?.ok === true ? resultAs(parsed.result, version) : undefined
  return written?.ok === true ? written.json : undefined
}

/** Multus' default directory lies beside the runtime's cache. */
export function multusCacheBeside(runtimeCache: string): string {
  return join(dirname(runtimeCache), 'multus')
}
