// Decides which networks are asked GC: each distinct one once, in a config that knows the verb and does not forbid it. Pure.
import type { NetworkConfig } from '#api/cni/config'
import { knowsVerb, pluginInputs } from '#api/cni/plugin-input'
import { isCniVersion } from '#api/cni/version'
import { sortedJson } from '#api/json-text'
import type { JsonObject } from '#api/json'
import type { PrimaryNetwork } from '#api/node-file'
import type { SandboxRecord } from '#api/sandbox-record'
import { confName } from './network-turns.ts'

/** One network as its plugins know it. */
export interface CollectedNetwork {
  /** Name in the config: what plugins key their state by. */
  readonly name: string
  /** stdin of each plugin in ADD order, complete except for the list. */
  readonly plugins: readonly JsonObject[]
}

export interface NetworkSources {
  readonly primary: PrimaryNetwork | undefined
  /** Usable networks of this node. */
  readonly configs: readonly NetworkConfig[]
  /** For networks that are no longer defined. */
  readonly records: readonly SandboxRecord[]
}

/** The present definitions decide; a network that only records remember is collected as its newest record has it. */
export function networksToCollect({ primary, configs, records }: NetworkSources): readonly CollectedNetwork[] {
  const defined = [
    ...(primary === undefined ? [] : [{ name: primary.name, plugins: primary.plugins, never: primary.disableGC === true }]),
    ...configs.map((config) => ({ name: config.name, plugins: pluginInputs(config, {}), never: config.disableGC })),
  ]
  const names = new Set(defined.map(({ name }) => name))
  const remembered = new Map(
    records
      .toSorted((a, b) => (a.changed < b.changed ? -1 : 1))
      .flatMap(({ attachments }) => attachments)
      .map((attachment) => ({ name: confName(attachment.plugins), plugins: attachment.plugins, never: attachment.disableGC === true }))
      .filter(({ name }) => !names.has(name))
      .map((network) => [network.name, network] as const),
  )
  const collectable = [...defined, ...remembered.values()].filter(({ plugins, never }) => !never && plugins.every(knowsGc))
  return [...new Map(collectable.map(({ name, plugins }) => [sortedJson([...plugins]), { name, plugins }])).values()]
}

function knowsGc({ cniVersion }: JsonObject): boolean {
  return typeof cniVersion === 'string' && isCniVersion(cniVersion) && knowsVerb(cniVersion, 'GC')
}
