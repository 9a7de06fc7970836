// Decides what the shim may do with the primary network on its own: which pods are plain, and what its plugins are given. Pure.
import { isPlain, optsOut } from '#api/annotations/keys'
import { cniArg, parseCniArgs } from '#api/cni/args'
import type { JsonObject } from '#api/json'
import type { NodeFile, PrimaryNetwork } from '#api/node-file'
import type { PodIdentity } from '#api/sandbox-record'
import type { RecordedAttachment } from '#api/socket'
import type { Call } from './call.ts'
import { isObject } from './read-json.ts'

const POD_ANNOTATIONS = 'io.kubernetes.cri.pod-annotations'

export type Plainness = { readonly plain: true; readonly primary: PrimaryNetwork } | { readonly plain: false; readonly because: string }

/** Whether the primary alone is what this pod would get from the agent (architecture, "Agent away on ADD"). */
export function plainness(call: Call, node: NodeFile | undefined): Plainness {
  const not = (because: string): Plainness => ({ plain: false, because })
  if (node?.primary === undefined) return not('the agent has not yet found the primary network')
  if (node.withoutAgent === 'Fail') return not('the profile says withoutAgent: Fail')
  if (node.primaryNeedsAgent) return not('the primary network needs the agent')
  const annotations = annotationsOf(call)
  if (annotations === undefined) return not("the runtime does not pass the pod's annotations")
  if (!isPlain(annotations)) return not('the pod asks for further networks')
  const defaults = optsOut(annotations) ? undefined : defaultsOf(podOf(call).namespace, node)
  return defaults === undefined ? { plain: true, primary: node.primary } : not(defaults)
}

/** Why a pod of this namespace may get default networks; undefined when it gets none. */
function defaultsOf(namespace: string, node: NodeFile): string | undefined {
  const everywhere = node.defaultNetworks && !node.systemNamespaces.includes(namespace)
  if (everywhere || node.namespacesWithDefaults.includes(namespace)) return 'the pod gets default networks'
  return namespace === '' && node.namespacesWithDefaults.length > 0 ? "the runtime does not say the pod's namespace" : undefined
}

/** A runtime that knows the capability passes the key for every pod; null is a pod without annotations. */
function annotationsOf(call: Call): JsonObject | undefined {
  const annotations = runtimeConfigOf(call)[POD_ANNOTATIONS]
  if (annotations === null) return {}
  return isObject(annotations) ? annotations : undefined
}

function runtimeConfigOf(call: Call): JsonObject {
  const { runtimeConfig } = call.config
  return isObject(runtimeConfig) ? runtimeConfig : {}
}

/** The pod's identity as CNI_ARGS says it. */
export function podOf(call: Call): PodIdentity {
  const parsed = parseCniArgs(call.args)
  const args = parsed.ok ? parsed.args : []
  const arg = (key: string): string => cniArg(args, key) ?? ''
  return { namespace: arg('K8S_POD_NAMESPACE'), name: arg('K8S_POD_NAME'), uid: arg('K8S_POD_UID') }
}

/** The primary as an attachment. Each plugin gets the runtime's capability arguments that it declares. */
export function primaryAttachment(call: Call, primary: PrimaryNetwork, timeoutMs: number): RecordedAttachment {
  const runtimeConfig = Object.entries(runtimeConfigOf(call))
  const plugins = primary.plugins.map((plugin) => {
    const { capabilities } = plugin
    const given = isObject(capabilities) ? runtimeConfig.filter(([key]) => capabilities[key] === true) : []
    return given.length === 0 ? plugin : { ...plugin, runtimeConfig: Object.fromEntries(given) }
  })
  const { name: network, disableCheck, disableGC } = primary
  const flags = { ...(disableCheck && { disableCheck }), ...(disableGC && { disableGC }) }
  return { network, ifName: call.ifName, primary: true, required: true, cniArgs: call.args, plugins, timeoutMs, ...flags }
}
