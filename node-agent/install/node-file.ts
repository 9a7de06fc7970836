// Decides what the shim is told through node.json. Pure planning and parsing; the file is written by reconcile-node.ts.
import { isList, isObject, type JsonObject, parseJson } from '#api/json'
import { matchesLabels } from '#api/kinds/label-selector'
import type { ProfileSpec } from '#api/kinds/node-network-profile'
import type { NodeFile, PrimaryNetwork } from '#api/node-file'

/** The node file for a profile. */
export function planNodeFile(options: {
  readonly spec: ProfileSpec
  readonly primary: PrimaryNetwork | undefined
  readonly primaryNeedsAgent: boolean
  readonly binDirs: readonly string[]
  /** Labels of every namespace that the operator sent. */
  readonly namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>
  /** The profile's auxiliary chain has plugins on this node. */
  readonly auxiliary: boolean
}): NodeFile {
  const { spec, primary, primaryNeedsAgent, binDirs, auxiliary } = options
  return {
    version: 1,
    ...(primary === undefined ? {} : { primary }),
    binDirs,
    withoutAgent: spec.withoutAgent,
    // Another primary or further plugins for every pod: only the agent can plan them.
    primaryNeedsAgent: primaryNeedsAgent || auxiliary || spec.defaultDelegates !== '',
    ...namespacesOf(spec, options.namespaces),
    delegateTimeoutMs: spec.delegateTimeoutSeconds * 1000,
  }
}

/**
 * Which pods get default networks. With defaults by label a namespace that is not known here may match: only those that are known not to
 * are named as free of defaults.
 */
function namespacesOf(
  { defaultNetworks, namespaceDefaults, systemNamespaces }: ProfileSpec,
  namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>,
): Pick<NodeFile, 'defaultNetworks' | 'systemNamespaces' | 'namespacesWithDefaults'> {
  if (namespaceDefaults.length === 0) return { defaultNetworks: defaultNetworks.length > 0, systemNamespaces, namespacesWithDefaults: [] }
  const known = [...namespaces].toSorted(([a], [b]) => (a < b ? -1 : 1)).filter(([name]) => !systemNamespaces.includes(name))
  const matches = (labels: Readonly<Record<string, string>>): boolean =>
    namespaceDefaults.some(({ selector, networks }) => networks.length > 0 && matchesLabels(selector, labels))
  const free = defaultNetworks.length > 0 ? [] : known.filter(([, labels]) => !matches(labels)).map(([name]) => name)
  return {
    defaultNetworks: true,
    systemNamespaces: [...systemNamespaces, ...free],
    namespacesWithDefaults: known.filter(([, labels]) => matches(labels)).map(([name]) => name),
  }
}

export function nodeFileText(file: NodeFile): string {
  return `${JSON.stringify(file, undefined, 2)}\n`
}

/** The primary that a node file holds, for an agent that starts before it has found one itself. */
export function primaryIn(text: string): PrimaryNetwork | undefined {
  const json = parseJson(text, { maxBytes: 1024 * 1024 })
  if (!json.ok || !isObject(json.value)) return undefined
  const { primary } = json.value
  return isObject(primary) ? parsePrimary(primary) : undefined
}

function parsePrimary({ name, cniVersion, plugins, disableCheck, disableGC }: JsonObject): PrimaryNetwork | undefined {
  if (typeof name !== 'string' || typeof cniVersion !== 'string' || !isList(plugins)) return undefined
  const confs = plugins.filter(isObject)
  if (confs.length === 0 || confs.length < plugins.length) return undefined
  const flags = { ...(disableCheck === true && { disableCheck }), ...(disableGC === true && { disableGC }) }
  return { name, cniVersion, plugins: confs, ...flags }
}
