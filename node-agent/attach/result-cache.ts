// Decides which files of a libcni result cache can be read and what they say (spec/attachments 3.2). Never decides what is done with them.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { parseCniArgs, cniArg } from '#api/cni/args'
import { isList, isObject, type JsonObject, parseJson } from '#api/json'
import type { PodIdentity } from '#api/sandbox-record'
import { jsonObject, parsedBy } from '#api/socket-schema'
import type { Log } from '#kube/process/log'
import { isSystemError } from '../journal/state-file.ts'

/** What libcni remembered of one ADD. */
export interface CachedResult {
  readonly containerId: string
  readonly network: string
  readonly ifName: string
  readonly netns: string
  readonly cniArgs: string
  readonly capabilityArgs: JsonObject
  /** The conf or conflist, as its bytes were. */
  readonly config: string
  readonly result?: JsonObject
  readonly pod: PodIdentity
}

const MAX_CACHE_BYTES = 4 * 1024 * 1024

const cached = z.object({
  kind: z.literal('cniCacheV1'),
  containerId: z.string(),
  config: z.base64(),
  ifName: z.string(),
  networkName: z.string().default(''),
  netns: z.string().default(''),
  cniArgs: z
    .array(z.tuple([z.string(), z.string()]))
    .nullish()
    .transform((args) => args ?? []),
  capabilityArgs: jsonObject.nullish().transform((args) => args ?? {}),
  result: jsonObject.nullish().transform((result) => result ?? undefined),
})

/** Entries of one sandbox, or of all, in the order of their names. Never throws: a cache that cannot be read is as good as none. */
export async function readResultCache(
  directory: string,
  options: { readonly containerId?: string; readonly log: Log },
): Promise<readonly CachedResult[]> {
  const { containerId, log } = options
  const names = await readdir(directory).catch((error: unknown) => {
    if (!isSystemError(error, 'ENOENT')) log.warn('a result cache cannot be read', { directory, error })
    return []
  })
  // Files are called <network>-<containerId>-<ifName>; both outer parts may hold dashes, the id inside decides.
  const mine = names.filter((name) => containerId === undefined || name.includes(`-${containerId}-`)).toSorted()
  const entries: CachedResult[] = []
  for (const name of mine) {
    // One at a time: a node may have hundreds, and nobody is in a hurry.
    // oxlint-disable-next-line no-await-in-loop
    const entry = parseEntry(await readFile(join(directory, name), 'utf8').catch(() => ''))
    if (entry !== undefined && (containerId === undefined || entry.containerId === containerId)) entries.push(entry)
  }
  return entries
}

/** Our own conf is in the runtime's cache too: we are no delegate of ourselves. */
export function isOwn({ config }: CachedResult): boolean {
  const json = parseJson(config, { maxBytes: MAX_CACHE_BYTES })
  if (!json.ok || !isObject(json.value)) return false
  const { type, plugins } = json.value
  return type === 'plexus' || (isList(plugins) && plugins.some((plugin) => isObject(plugin) && plugin['type'] === 'plexus'))
}

function parseEntry(text: string): CachedResult | undefined {
  const json = parseJson(text, { maxBytes: MAX_CACHE_BYTES })
  const entry = json.ok ? parsedBy(cached, json.value) : json
  if (!entry.ok) return undefined
  const { config, networkName, cniArgs: pairs, result, kind: _, ...rest } = entry.value
  const cniArgs = pairs.map((pair) => pair.join('=')).join(';')
  return {
    ...rest,
    network: networkName,
    config: Buffer.from(config, 'base64').toString('utf8'),
    cniArgs,
    pod: podIn(cniArgs),
    ...(result === undefined ? {} : { result }),
  }
}

function podIn(cniArgs: string): PodIdentity {
  const parsed = parseCniArgs(cniArgs)
  const value = (key: string): string => (parsed.ok ? (cniArg(parsed.args, key) ?? '') : '')
  return { namespace: value('K8S_POD_NAMESPACE'), name: value('K8S_POD_NAME'), uid: value('K8S_POD_UID') }
}
