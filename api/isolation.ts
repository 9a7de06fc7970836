// Decides whether a pod may use a network of another namespace: the one rule for annotations, default-network, TKE, Kuryr and hotplug. Never looks networks up.
import type { NetworkSelection } from './annotations/selection.ts'
import type { ProfileSpec } from './kinds/node-network-profile.ts'

export type IsolationRules = Pick<ProfileSpec, 'namespaceIsolation' | 'globalNamespaces'>

/** Whether pods of one namespace may use the networks of another. */
export function mayUse(podNamespace: string, networkNamespace: string, rules: IsolationRules): boolean {
  if (rules.namespaceIsolation === 'Disabled') return true
  return networkNamespace === podNamespace || rules.globalNamespaces.includes(networkNamespace)
}

/** Why the pod may not use this network, as a sentence for its owner; undefined when it may. */
export function isolationViolation(
  selection: Pick<NetworkSelection, 'namespace' | 'name' | 'path'>,
  podNamespace: string,
  rules: IsolationRules,
): string | undefined {
  const { namespace, name, path } = selection
  if (mayUse(podNamespace, namespace, rules)) return undefined
  const allowed = [...new Set([podNamespace, ...rules.globalNamespaces])].map((each) => `"${each}"`).join(', ')
  return `${path}: network ${namespace}/${name} is in another namespace than the pod (${podNamespace}), which namespaceIsolation forbids; use a network of ${allowed}`
}
