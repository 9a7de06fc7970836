// Decides which network is the node's primary, from what lies in its conf directories and what the profile says. Pure: never reads a file.
import { type NetworkConfig, parseNetworkConfig, type ParsedConfig } from '#api/cni/config'
import { isObject, type Json, parseJson, sentenceOf } from '#api/json'
import type { ProfileSpec } from '#api/kinds/node-network-profile'
import { MAX_CONFIG_BYTES } from '#api/limits'
import type { PrimaryNetwork } from '#api/node-file'
import type { NodeNetworkObject } from '#api/stream'
import { isMultus, readConf } from '../conf/own-conf.ts'

/** A conf file that could hold the primary. */
export interface Candidate {
  readonly path: string
  readonly name: string
  readonly text: string
  /** Plugins of `<directory>/<network's name>/*.conf`, which a conflist takes. */
  readonly chained?: readonly Json[]
}

export interface PrimaryWorld {
  readonly spec: ProfileSpec['primary']
  /** Name of our own conf. */
  readonly ownName: string
  /** Conf directory first, then the extra ones, each sorted by name. */
  readonly candidates: readonly Candidate[]
  /** For File with an absolute path. */
  readonly file: Candidate | undefined
  /** For Network. */
  readonly network: NodeNetworkObject | undefined
  /** The readiness file that the profile names is missing. */
  readonly notReady: string | undefined
  /** Where the last good primary came from. */
  readonly lastSource: string | undefined
}

export type PrimaryChoice =
  | {
      readonly kind: 'found'
      readonly primary: PrimaryNetwork
      /** Type of the first plugin. */
      readonly type: string
      /** Path of a file, `namespace/name` of a NAD, or `profile`. */
      readonly source: string
      /** It takes addresses from us, so that no pod can start without the agent. */
      readonly needsAgent: boolean
    }
  /** The last good one stays in use, if there was one. `message` is a sentence for users. */
  | { readonly kind: 'none'; readonly reason: 'NoConf' | 'Invalid' | 'NotReady' | 'NetworkUnknown'; readonly message: string }

/** Chooses the primary. */
export function choosePrimary(world: PrimaryWorld): PrimaryChoice {
  if (world.notReady !== undefined)
    return none('NotReady', `${world.notReady} does not exist; the primary network is taken as ready once it does`)
  switch (world.spec.source) {
    case 'Auto':
      return chooseFirst(world)
    case 'File':
      return chooseFile(world)
    case 'Network':
      return chooseNetwork(world)
    case 'Inline':
      return chosen('profile', parseNetworkConfig(world.spec.config ?? '', { path: 'spec.primary.config', name: 'primary' }))
    default:
      return world.spec.source satisfies never
  }
}

/** Files that cannot be read are skipped until they are whole; if the last good one is among them, it may just be being rewritten. */
function chooseFirst(world: PrimaryWorld): PrimaryChoice {
  let problem: PrimaryChoice | undefined
  for (const candidate of world.candidates) {
    if (!isOwnOrMultus(candidate, world.ownName)) {
      const choice = chosen(candidate.path, parseFile(candidate))
      if (choice.kind === 'found' || candidate.path === world.lastSource) return choice
      problem ??= choice
    }
  }
  return (
    problem ??
    none(
      'NoConf',
      "the conf directories hold no CNI configuration besides ours; install the cluster's primary network or set spec.primary in the NodeNetworkProfile",
    )
  )
}

function chooseFile({ spec, candidates, file }: PrimaryWorld): PrimaryChoice {
  const named = file ?? candidates.find(({ name }) => name === spec.file)
  if (named !== undefined) return chosen(named.path, parseFile(named))
  return none(
    'NoConf',
    `spec.primary.file: ${spec.file ?? 'no file'} is not on this node; name a file of the conf directory or an absolute path`,
  )
}

/** The NetworkAttachmentDefinition; for one without config, and for a bare name that none has, the conf of that name (spec/attachments 1.6). */
function chooseNetwork(world: PrimaryWorld): PrimaryChoice {
  const { spec, network } = world
  const key = spec.network ?? ''
  if (network?.state === 'rejected') return none('Invalid', `spec.primary.network: ${network.message}`)
  if (network?.config !== undefined) return found(key, network.config, network.resourceName !== undefined)
  if (network === undefined && key.includes('/'))
    return none('NetworkUnknown', `spec.primary.network: the operator has not sent "${key}"; create that NetworkAttachmentDefinition`)
  const name = key.slice(key.indexOf('/') + 1)
  const conf = world.candidates.find((candidate) => !isOwnOrMultus(candidate, world.ownName) && networkNameOf(candidate) === name)
  if (conf !== undefined) return chosen(conf.path, parseFile(conf))
  if (network !== undefined)
    return none(
      'Invalid',
      `spec.primary.network: "${key}" has an empty spec.config and no conf is named "${name}"; write its configuration there`,
    )
  const sentence = `spec.primary.network: neither the operator nor the conf directories have "${key}"; create that NetworkAttachmentDefinition or that conf`
  return none('NetworkUnknown', sentence)
}

/** The network's name as written; nothing else is judged here. */
export function networkNameOf({ text }: Pick<Candidate, 'text'>): string | undefined {
  const json = parseJson(text, { maxBytes: MAX_CONFIG_BYTES })
  const name = json.ok && isObject(json.value) ? json.value['name'] : undefined
  return typeof name === 'string' ? name : undefined
}

function chosen(source: string, parsed: ParsedConfig): PrimaryChoice {
  return parsed.ok ? found(source, parsed.config, false) : none('Invalid', sentenceOf(parsed))
}

function found(source: string, config: NetworkConfig, devices: boolean): PrimaryChoice {
  const { name, cniVersion, plugins, disableCheck, disableGC } = config
  const flags = { ...(disableCheck && { disableCheck }), ...(disableGC && { disableGC }) }
  return {
    kind: 'found',
    primary: { name, cniVersion, plugins: plugins.map(({ conf }) => ({ ...conf, cniVersion, name })), ...flags },
    type: plugins[0]?.type ?? '',
    source,
    needsAgent: devices || plugins.some(({ ipamType }) => ipamType === 'plexus-ipam'),
  }
}

function parseFile({ path, name, text, chained = [] }: Candidate): ParsedConfig {
  return parseNetworkConfig(text, { path, name: name.replace(/\.[a-z]+$/, ''), chained })
}

function isOwnOrMultus({ name, text }: Candidate, ownName: string): boolean {
  const content = readConf(text)
  return name === ownName || content.kind === 'ours' || isMultus(name, content)
}

function none(reason: Extract<PrimaryChoice, { kind: 'none' }>['reason'], message: string): PrimaryChoice {
  return { kind: 'none', reason, message }
}
