// Decides where the truth about a network comes from: the pushed cache, a short wait for it, or one GET. Never plans an attachment.
import { RESOURCE_NAME_KEY } from '#api/annotations/keys'
import { networkMarks } from '#api/annotations/network-marks'
import { parseNetworkConfig } from '#api/cni/config'
import type { NetworkKey } from '#api/ids'
import { sentenceOf } from '#api/json'
import { type NetworkAttachmentDefinition, networkAttachmentDefinition } from '#api/kinds/network-attachment-definition'
import { hasPlaceholders, type RenderFacts, renderForNode } from '#api/render'
import type { NodeNetworkObject } from '#api/stream'
import type { KubeReader } from '#kube/client'
import type { Clock } from '#kube/process/clock'
import { withDeadline } from '#kube/process/deadline'
import type { Log } from '#kube/process/log'
import { nameOf, type Resource } from '#kube/resource'
import type { Snapshot } from '../stream/snapshot.ts'
import { findConfByName } from '../conf/named-confs.ts'
import type { LookedUp } from './plan-attachments.ts'

/** Longest wait for the stream to bring a network, and for the API server to answer (architecture, "The stream"). */
const STREAM_WAIT_MS = 1000
const GET_MS = 1000
/** A stream silent for longer may have missed an edit or a revocation. */
const STREAM_SILENT_MS = 30_000

export interface NetworkLookup {
  /**
   * Never throws for a network that is missing, broken or unknown: that is an answer. `wait: false` takes the word of a live stream for
   * what it does not know, at once.
   */
  find(key: NetworkKey, signal: AbortSignal, options?: { readonly wait?: boolean }): Promise<LookedUp>
}

export interface NetworkLookupOptions {
  readonly snapshot: Snapshot
  readonly client: Pick<KubeReader, 'get'>
  readonly clock: Clock
  readonly log: Log
  /** What the node is called and which labels it has, for placeholders. */
  facts(signal: AbortSignal): Promise<RenderFacts>
  /** Where a network with an empty spec finds its conf. */
  confDirs(): readonly string[]
}

const networks: Resource<NetworkAttachmentDefinition> = {
  group: 'k8s.cni.cncf.io',
  version: 'v1',
  kind: 'NetworkAttachmentDefinition',
  plural: 'network-attachment-definitions',
  namespaced: true,
  parse: (value) => networkAttachmentDefinition.parse(value),
}

export function openNetworkLookup(options: NetworkLookupOptions): NetworkLookup {
  const { snapshot, clock, log } = options
  const flights = new Map<string, Promise<NodeNetworkObject | undefined>>()

  // Shared by everybody who asks at the same time, so it ends by its deadline and not with one caller.
  const fetchOnce = (key: NetworkKey): Promise<NodeNetworkObject | undefined> => {
    const running = flights.get(key)
    if (running !== undefined) return running
    const flight = withDeadline({ what: `reading network ${key}`, ms: GET_MS, clock }, (limited) =>
      fetchNetwork(key, options, limited),
    ).finally(() => flights.delete(key))
    flights.set(key, flight)
    return flight
  }
  const read = async (key: NetworkKey, cached: NodeNetworkObject | undefined, signal: AbortSignal): Promise<LookedUp> => {
    try {
      const fetched = await fetchOnce(key)
      return fetched === undefined ? { state: 'missing' } : await resolved(key, fetched, options)
    } catch (error) {
      signal.throwIfAborted()
      log.warn('a network could not be read from the API server', { network: key, cached: cached !== undefined, error })
      return cached === undefined ? { state: 'unknown', message: 'the API server did not answer' } : resolved(key, cached, options)
    }
  }
  return {
    find: async (key, signal, { wait = true } = {}) => {
      const live = snapshot.silentForMs() <= STREAM_SILENT_MS
      const cached = snapshot.network(key) ?? (live && wait ? await arrival(key, options, signal) : undefined)
      if (live && cached !== undefined) return resolved(key, cached, options)
      return live && !wait ? { state: 'missing' } : read(key, cached, signal)
    },
  }
}

/** Waits until the stream brings the network; undefined when it does not in time. */
async function arrival(key: NetworkKey, options: NetworkLookupOptions, signal: AbortSignal): Promise<NodeNetworkObject | undefined> {
  const { snapshot, clock } = options
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      cancel()
      unsubscribe()
      signal.removeEventListener('abort', onAbort)
    }
    const onAbort = (): void => {
      settle()
      reject(signal.reason)
    }
    const cancel = clock.after(STREAM_WAIT_MS, () => {
      settle()
      resolve(undefined)
    })
    const unsubscribe = snapshot.onChange(() => {
      const found = snapshot.network(key)
      if (found === undefined) return
      settle()
      resolve(found)
    })
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

/** The network straight from the API server, validated and rendered as the operator does it. */
async function fetchNetwork(key: NetworkKey, options: NetworkLookupOptions, signal: AbortSignal): Promise<NodeNetworkObject | undefined> {
  const found = await options.client.get(networks, nameOf(key), { signal, deadlineMs: GET_MS })
  if (found === undefined) return undefined
  const { uid, generation, annotations, name } = found.metadata
  const resourceName = annotations[RESOURCE_NAME_KEY]
  const head = { uid, generation }
  const text = found.spec.config ?? ''
  const usable = {
    state: 'usable',
    ...head,
    ...(resourceName === undefined ? {} : { resourceName }),
    ...networkMarks(annotations),
  } as const
  if (text.trim() === '') return usable
  const parsed = parseNetworkConfig(text, { path: 'spec.config', name })
  if (!parsed.ok) return { state: 'rejected', ...head, message: sentenceOf(parsed) }
  if (!hasPlaceholders(parsed.config)) return { ...usable, config: parsed.config }
  const rendered = renderForNode(parsed.config, await options.facts(signal))
  return rendered.ok ? { ...usable, config: rendered.config } : { state: 'rejected', ...head, message: sentenceOf(rendered) }
}

async function resolved(key: NetworkKey, object: NodeNetworkObject, options: NetworkLookupOptions): Promise<LookedUp> {
  if (object.state === 'rejected') return { state: 'rejected', message: object.message }
  const { resourceName, lenient } = object
  const device = { ...(resourceName === undefined ? {} : { resourceName }), ...(lenient === undefined ? {} : { lenient }) }
  if (object.config !== undefined) return { state: 'usable', config: object.config, ...device }
  const { name } = nameOf(key)
  const directories = options.confDirs()
  const conf = await findConfByName(directories, name)
  if (conf === undefined) {
    const where = directories.join(', ')
    return {
      state: 'rejected',
      message: `spec.config: is empty and no conf in ${where} is named "${name}"; write spec.config or add the file`,
    }
  }
  return conf.ok ? { state: 'usable', config: conf.config, ...device } : { state: 'rejected', message: sentenceOf(conf) }
}
