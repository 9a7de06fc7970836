// Decides which networks this node cannot serve, and the sentence that says so. Pure: what is installed is asked through functions.
import type { NetworkKey } from '#api/ids'
import { sentenceOf } from '#api/json'
import type { NetworkConfig } from '#api/cni/config'
import { configSource, readNetworkConfig } from '#api/cni/config'
import type { NodeNetworkObject, Rejection } from '#api/stream'

/** What a node has. */
export interface NodeInventory {
  readonly node: string
  /** Where plugins are searched, for the sentence. */
  readonly binDirs: readonly string[]
  readonly confDirs: readonly string[]
  /** Whether a plugin of this type can be executed. */
  hasPlugin(type: string): boolean
  /** Whether a conf or conflist of this name lies in a conf directory. */
  hasConf(name: string): boolean
}

/** All rejections of a node, by key. Networks that the operator itself rejected are its own to report. */
export function validateNetworks(networks: ReadonlyMap<NetworkKey, NodeNetworkObject>, inventory: NodeInventory): readonly Rejection[] {
  return [...networks].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([key, network]) => rejectionOf(key, network, inventory) ?? [])
}

function rejectionOf(key: NetworkKey, network: NodeNetworkObject, inventory: NodeInventory): Rejection | undefined {
  if (network.state === 'rejected') return undefined
  if (network.config === undefined) return withoutConfig(key, inventory)
  const read = readNetworkConfig(configSource(network.config), { path: 'spec.config', name: network.config.name })
  if (!read.ok) return { kind: 'network', key, reason: 'InvalidConfig', message: sentenceOf(read) }
  const missing = missingPlugins(read.config, inventory)
  return missing.length === 0 ? undefined : { kind: 'network', key, reason: 'PluginMissing', message: pluginSentence(missing, inventory) }
}

function withoutConfig(key: NetworkKey, inventory: NodeInventory): Rejection | undefined {
  const name = key.slice(key.indexOf('/') + 1)
  if (inventory.hasConf(name)) return undefined
  const where = inventory.confDirs.join(' or ')
  const message = `spec.config: is empty and node ${inventory.node} has no CNI configuration named "${name}" in ${where}; write spec.config or put that file on the node`
  return { kind: 'network', key, reason: 'InvalidConfig', message }
}

function missingPlugins(config: NetworkConfig, inventory: NodeInventory): readonly string[] {
  const types = config.plugins.flatMap(({ type, ipamType }) => (ipamType === undefined ? [type] : [type, ipamType]))
  return [...new Set(types)].filter((type) => !inventory.hasPlugin(type))
}

function pluginSentence(missing: readonly string[], { node, binDirs }: NodeInventory): string {
  const named = missing.map((type) => `"${type}"`).join(' and ')
  const verb = missing.length === 1 ? 'plugin' : 'plugins'
  return `${verb} ${named} not found on node ${node} in ${binDirs.join(' or ')}; install it there, or name its directory in extraBinDirs of the node's NodeNetworkProfile`
}
