// Decides what the shim is told through node.json. Pure planning and parsing; the file is written by reconcile-node.ts.
import { isList, isObject, type JsonObject, parseJson } from '#api/json'
import type { ProfileSpec } from '#api/kinds/node-network-profile'
import type { NodeFile, PrimaryNetwork } from '#api/node-file'

/** The node file for a profile. */
export function planNodeFile(options: {
  readonly spec: ProfileSpec
  readonly primary: PrimaryNetwork | undefined
  readonly primaryNeedsAgent: boolean
  readonly binDirs: readonly string[]
}): NodeFile {
  const { spec, primary, primaryNeedsAgent, binDirs } = options
  return {
    version: 1,
    ...(primary === undefined ? {} : { primary }),
    binDirs,
    withoutAgent: spec.withoutAgent,
    primaryNeedsAgent,
    defaultNetworks: spec.defaultNetworks.length > 0,
    systemNamespaces: spec.systemNamespaces,
    namespacesWithDefaults: [],
    delegateTimeoutMs: spec.delegateTimeoutSeconds * 1000,
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

function parsePrimary({ name, cniVersion, plugins }: JsonObject): PrimaryNetwork | undefined {
  if (typeof name !== 'string' || typeof cniVersion !== 'string' || !isList(plugins)) return undefined
  const confs = plugins.filter(isObject)
  return confs.length > 0 && confs.length === plugins.length ? { name, cniVersion, plugins: confs } : undefined
}
