// Decides where the definition of each requested network comes from: NetworkAttachmentDefinition or conf of the node, in which order. Never plans.
import type { ParsedConfig } from '#api/cni/config'
import { sentenceOf } from '#api/json'
import { findConfByName, findConfByPath } from '../conf/named-confs.ts'
import type { NetworkLookup } from './network-lookup.ts'
import type { LookedUp } from './plan-attachments.ts'
import type { ConfPlace, RequestedNetwork } from './requested-network.ts'
import type { Requested } from './requested-networks.ts'

export interface NetworkPlaces {
  readonly lookup: NetworkLookup
  /** Where confs are searched by name. */
  confDirs(): readonly string[]
}

/** Every network of the pod at once, by key: the waits of several missing ones must not add up. */
export async function resolveNetworks(
  places: NetworkPlaces,
  requested: Pick<Requested, 'primary' | 'further'>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, LookedUp>> {
  const all = requested.primary === undefined ? requested.further : [requested.primary, ...requested.further]
  const distinct = new Map(all.map((network) => [network.key, network]))
  return new Map(await Promise.all([...distinct].map(async ([key, network]) => [key, await resolve(places, network, signal)] as const)))
}

async function resolve(places: NetworkPlaces, { nad, conf }: RequestedNetwork, signal: AbortSignal): Promise<LookedUp> {
  const { lookup } = places
  if (nad === undefined) return (conf === undefined ? undefined : await fromConf(conf, places)) ?? { state: 'missing' }
  if (conf === undefined) return lookup.find(nad, signal)
  if (conf.order === 'first') return (await fromConf(conf, places)) ?? lookup.find(nad, signal)
  // A network that the operator does not know and that the node has is the node's: no pod waits for the other answer.
  const known = await lookup.find(nad, signal, { wait: false })
  if (known.state === 'usable' || known.state === 'rejected') return known
  return (await fromConf(conf, places)) ?? (known.state === 'missing' ? lookup.find(nad, signal) : known)
}

async function fromConf({ name }: ConfPlace, places: NetworkPlaces): Promise<LookedUp | undefined> {
  const found = name.startsWith('/') ? await findConfByPath(name) : await findConfByName(places.confDirs(), name)
  return found === undefined ? undefined : lookedUp(found)
}

function lookedUp(found: ParsedConfig): LookedUp {
  return found.ok
    ? { state: 'usable', config: found.config, network: found.config.name }
    : { state: 'rejected', message: sentenceOf(found) }
}
