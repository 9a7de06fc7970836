// Decides whether a NodeNetworkProfile makes sense beyond its schema: sources with their fields, names, selectors, parameters. Pure.
import { nameTkeInterfaces } from '#api/annotations/naming'
import { parseSelections } from '#api/annotations/networks'
import { parseNetworkConfig } from '#api/cni/config'
import { parseNetworkKey } from '#api/ids'
import { rejected, type Rejected, sentenceOf, shown } from '#api/json'
import type { ProfileSpec } from '#api/kinds/node-network-profile'

export type CheckedProfile = { readonly ok: true } | { readonly ok: false; readonly message: string }

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
const QUALIFIED_NAME = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/
const PARAMETER = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,252}$/
const PLUGIN = /^[A-Za-z0-9._-]+$/
const CONF_FILE = /\.(conf|conflist|json)$/

/** Checks one profile; the message is the first thing that is wrong, with field, value and remedy. */
export function checkProfile(spec: ProfileSpec): CheckedProfile {
  const checks = [checkPrimary, checkSelector, checkNetworks, checkDelegates, checkNamespaces, checkPlugins, checkParameters, checkPaths]
  for (const check of checks) {
    const refusal = check(spec)
    if (refusal !== undefined) return { ok: false, message: sentenceOf(refusal) }
  }
  return { ok: true }
}

/** Which field each source needs; the others must stay empty. */
const SOURCE_FIELDS = { Auto: undefined, File: 'file', Network: 'network', Inline: 'config' } as const

function checkPrimary({ primary }: ProfileSpec): Rejected | undefined {
  const { source } = primary
  const needed = SOURCE_FIELDS[source]
  for (const field of ['file', 'network', 'config'] as const) {
    const value = primary[field]
    if (field === needed && (value === undefined || value === '')) {
      return rejected(
        `spec.primary.${field}`,
        `is empty, but spec.primary.source is ${source}`,
        `set spec.primary.${field} or use source Auto`,
      )
    }
    if (field !== needed && value !== undefined && value !== '') {
      const right = Object.entries(SOURCE_FIELDS).find(([, of]) => of === field)?.[0] ?? 'Auto'
      return rejected(
        `spec.primary.${field}`,
        `contradicts spec.primary.source ${source}`,
        `use source ${right} or remove spec.primary.${field}`,
      )
    }
  }
  return checkPrimaryValue(primary)
}

function checkPrimaryValue({ file = '', network = '', config = '' }: ProfileSpec['primary']): Rejected | undefined {
  if (file !== '' && !isConfFile(file)) {
    const remedy = 'write the name of a .conf, .conflist or .json file, or its absolute path'
    return rejected('spec.primary.file', `${shown(file)} is not a conf file`, remedy)
  }
  if (network !== '' && parseNetworkKey(network.includes('/') ? network : `ns/${network}`) === undefined) {
    return rejected(
      'spec.primary.network',
      `${shown(network)} does not name a network`,
      'write namespace/name of a NetworkAttachmentDefinition, or the name of one or of a conf',
    )
  }
  if (config === '') return undefined
  const parsed = parseNetworkConfig(config, { path: 'spec.primary.config', name: 'primary' })
  return parsed.ok ? undefined : parsed
}

function isConfFile(file: string): boolean {
  const segments = file.split('/')
  if (segments.includes('..') || segments.includes('.')) return false
  // An absolute path without extension is a directory of confs.
  const isDirectory = file.startsWith('/') && !(segments.at(-1) ?? '').includes('.')
  return isDirectory || (CONF_FILE.test(file) && (file.startsWith('/') || segments.length === 1))
}

function checkSelector({ nodeSelector }: ProfileSpec): Rejected | undefined {
  for (const [label, value] of Object.entries(nodeSelector)) {
    if (!QUALIFIED_NAME.test(label)) return rejected('spec.nodeSelector', `${shown(label)} is not a label`, 'write name or prefix/name')
    if (!LABEL_VALUE.test(value)) {
      return rejected(
        `spec.nodeSelector[${shown(label)}]`,
        `${shown(value)} is not the value of a label`,
        'use at most 63 letters, digits, "-", "_" or "."',
      )
    }
  }
  return undefined
}

function checkNetworks({ defaultNetworks, namespaceDefaults, networkNamespace }: ProfileSpec): Rejected | undefined {
  if (!DNS_LABEL.test(networkNamespace)) return badNamespace('spec.networkNamespace', networkNamespace)
  const lists = [
    ['spec.defaultNetworks', defaultNetworks] as const,
    ...namespaceDefaults.map(({ networks }, index) => [`spec.namespaceDefaults[${index}].networks`, networks] as const),
  ]
  for (const [path, networks] of lists) {
    const refusal = checkNetworkList(path, networks)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

function checkNetworkList(path: string, networks: readonly string[]): Rejected | undefined {
  for (const [index, network] of networks.entries()) {
    const named = network.startsWith('/') ? isConfFile(network) : parseNetworkKey(network.includes('/') ? network : `ns/${network}`)
    if (named === undefined || named === false) {
      const remedy = 'write name, namespace/name or the absolute path of a conf'
      return rejected(`${path}[${index}]`, `${shown(network)} does not name a network`, remedy)
    }
  }
  const repeated = networks.find((network, index) => networks.indexOf(network) < index)
  return repeated === undefined ? undefined : rejected(path, `${shown(repeated)} is there twice`, 'remove one')
}

/** The same grammar and names as on a pod. */
function checkDelegates({ defaultDelegates, networkNamespace }: ProfileSpec): Rejected | undefined {
  const parsed = parseSelections(defaultDelegates, { key: 'spec.defaultDelegates', namespace: networkNamespace })
  if (!parsed.ok) return parsed
  const named = defaultDelegates === '' ? undefined : nameTkeInterfaces(parsed.networks, 'eth0')
  return named?.ok === false ? named : undefined
}

function checkNamespaces({ systemNamespaces, globalNamespaces }: ProfileSpec): Rejected | undefined {
  for (const [field, namespaces] of Object.entries({ systemNamespaces, globalNamespaces })) {
    const index = namespaces.findIndex((namespace) => !DNS_LABEL.test(namespace))
    if (index >= 0) return badNamespace(`spec.${field}[${index}]`, namespaces[index] ?? '')
  }
  return undefined
}

function badNamespace(path: string, namespace: string): Rejected {
  return rejected(path, `${shown(namespace)} is not the name of a namespace`, 'use at most 63 lower-case letters, digits or "-"')
}

function checkPlugins({ plugins }: ProfileSpec): Rejected | undefined {
  for (const [index, plugin] of plugins.entries()) {
    if (!PLUGIN.test(plugin) || plugin === '.' || plugin === '..') {
      return rejected(`spec.plugins[${index}]`, `${shown(plugin)} is not a plugin name`, 'use letters, digits, ".", "_" or "-"')
    }
    if (plugin === 'plexus' || plugin === 'plexus-ipam' || plugin.startsWith('multus')) {
      return rejected(`spec.plugins[${index}]`, `${shown(plugin)} is not a reference plugin`, 'remove it')
    }
  }
  return undefined
}

function checkParameters({ parameters }: ProfileSpec): Rejected | undefined {
  const bad = Object.keys(parameters).find((name) => !PARAMETER.test(name))
  if (bad === undefined) return undefined
  return rejected('spec.parameters', `${shown(bad)} is not the name of a parameter`, 'use letters, digits, ".", "_", "/" or "-"')
}

function checkPaths({ readinessFile, extraBinDirs, extraConfDirs }: ProfileSpec): Rejected | undefined {
  const paths = [
    ['spec.readinessFile', readinessFile ?? '/'] as const,
    ...extraBinDirs.map((path, index) => [`spec.extraBinDirs[${index}]`, path] as const),
    ...extraConfDirs.map((path, index) => [`spec.extraConfDirs[${index}]`, path] as const),
  ]
  const bad = paths.find(([, path]) => !path.startsWith('/') || path.split('/').includes('..') || path.includes('\0'))
  return bad === undefined ? undefined : rejected(bad[0], `${shown(bad[1])} is not an absolute path`, 'write an absolute path without ".."')
}
