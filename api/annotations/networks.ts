// Decides which networks a pod's annotation asks for. The one grammar for agent, webhook and CLI; never looks a network up.
import { ifNameProblem } from '../ids.ts'
import type { Rejected } from '../json.ts'
import { isList, isRejected, parseJson, rejected } from '../json.ts'
import { pathTo, shown, under } from '../json-path.ts'
import { MAX_ANNOTATION_BYTES, MAX_ATTACHMENTS } from '../limits.ts'
import { readElement } from './element.ts'
import { DEFAULT_NETWORK_KEY, NETWORKS_KEY, OPT_OUT, TKE_NETWORKS_KEY } from './keys.ts'
import type { NetworkSelection, NetworksOutcome } from './selection.ts'

const SHORT_NAME = /^[a-z0-9]([-a-z0-9]{0,251}[a-z0-9])?$/

export interface GrammarOptions {
  /** The annotation's key, for messages. */
  readonly key: string
  /** Namespace of an element that names none. */
  readonly namespace: string
}

/**
 * Parses `k8s.v1.cni.cncf.io/networks` (spec/attachments 1.8): JSON when the value holds any of `[`, `{`, `"`, else
 * `[namespace/]name[@interface]` separated by commas. All or nothing. Empty = no networks; `none` = not even default networks.
 */
export function parseNetworks(value: string, options: { readonly namespace: string }): NetworksOutcome {
  if (value.trim() === OPT_OUT) return { ok: true, networks: [], optOut: true, warnings: [] }
  return parseSelections(value, { key: NETWORKS_KEY, namespace: options.namespace })
}

/** Parses `v1.multus-cni.io/default-network`: the same grammar, exactly one element. `namespace` is the system namespace. */
export function parseDefaultNetwork(value: string, options: { readonly namespace: string }): NetworksOutcome {
  const outcome = parseSelections(value, { key: DEFAULT_NETWORK_KEY, namespace: options.namespace })
  if (!outcome.ok || outcome.networks.length === 1 || value === '') return outcome
  return rejected(DEFAULT_NETWORK_KEY, `names ${outcome.networks.length} networks`, 'name exactly one')
}

/** Parses `tke.cloud.tencent.com/networks`: the same grammar; the list holds the primary too (`nameTkeInterfaces`). */
export function parseTkeNetworks(value: string, options: { readonly namespace: string }): NetworksOutcome {
  return parseSelections(value, { key: TKE_NETWORKS_KEY, namespace: options.namespace })
}

/** The grammar for any key. */
export function parseSelections(value: string, options: GrammarOptions): NetworksOutcome {
  if (value === '') return { ok: true, networks: [], optOut: false, warnings: [] }
  return /[[{"]/.test(value) ? parseJsonForm(value, options) : parseShortForm(value, options)
}

function parseJsonForm(value: string, options: GrammarOptions): NetworksOutcome {
  const { key } = options
  const parsed = parseJson(value, { maxBytes: MAX_ANNOTATION_BYTES })
  if (!parsed.ok) return { ...parsed, path: under(key, parsed.path) }
  if (!isList(parsed.value)) return rejected(key, `is ${shown(parsed.value)} and not a list`, 'write a list such as [{"name": "net-a"}]')
  if (parsed.value.length > MAX_ATTACHMENTS) return tooMany(key, parsed.value.length)
  const networks: NetworkSelection[] = []
  const warnings: string[] = []
  for (const [index, item] of parsed.value.entries()) {
    const element = readElement(item, pathTo(key, index), options.namespace)
    if (!element.ok) return element
    networks.push(element.selection)
    warnings.push(...element.warnings)
  }
  return { ok: true, networks, optOut: false, warnings }
}

function parseShortForm(value: string, options: GrammarOptions): NetworksOutcome {
  const items = value.split(',')
  if (items.length > MAX_ATTACHMENTS) return tooMany(options.key, items.length)
  const networks: NetworkSelection[] = []
  for (const [index, item] of items.entries()) {
    const selection = parseShortItem(item.trim(), pathTo(options.key, index), options.namespace)
    if (isRejected(selection)) return selection
    networks.push(selection)
  }
  return { ok: true, networks, optOut: false, warnings: [] }
}

function parseShortItem(item: string, path: string, podNamespace: string): NetworkSelection | Rejected {
  const [target = '', ifName, ...furtherAts] = item.split('@')
  const [first = '', second, ...furtherSlashes] = target.split('/')
  if (furtherAts.length > 0 || furtherSlashes.length > 0) {
    return rejected(path, `${shown(item)} holds more than one "/" or "@"`, 'write [namespace/]name[@interface]')
  }
  const [namespace, name] = second === undefined ? [podNamespace, first] : [first, second]
  for (const part of [namespace, name]) {
    if (!SHORT_NAME.test(part)) {
      const remedy = part.includes('.') ? 'write the JSON form, which takes names with dots' : 'use lower-case letters, digits and "-"'
      return rejected(path, part === '' ? `${shown(item)} names no network` : `${shown(part)} is not a name`, remedy)
    }
  }
  if (ifName === undefined) return { namespace, name, path, required: true }
  const problem = ifNameProblem(ifName)
  if (problem !== undefined)
    return rejected(path, `${shown(ifName)} is not an interface name: ${problem}`, 'use 1 to 15 letters, digits, ".", "_" or "-"')
  return { namespace, name, path, ifName, required: true }
}

function tooMany(key: string, count: number): Rejected {
  return rejected(key, `asks for ${count} networks`, `ask for at most ${MAX_ATTACHMENTS}`)
}
