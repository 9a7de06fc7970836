// Decides what is attached to one pod: which networks in which order, under which names, with which stdin. Pure: everything was looked up before.
import { sharedDefaultRoute } from '#api/annotations/default-route'
import { nameInterfaces } from '#api/annotations/naming'
import { overrideRuntimeConfig, primaryRuntimeConfig, secondaryRuntimeConfig, unhonouredRequest } from '#api/capabilities'
import type { NetworkSelection } from '#api/annotations/selection'
import { type CniArg, formatCniArgs } from '#api/cni/args'
import { type NetworkConfig, readNetworkConfig } from '#api/cni/config'
import { pluginInputs } from '#api/cni/plugin-input'
import { type JsonObject, sentenceOf } from '#api/json'
import type { ProfileSpec } from '#api/kinds/node-network-profile'
import type { PrimaryNetwork } from '#api/node-file'
import type { PodIdentity } from '#api/sandbox-record'
import { askedBy } from '../hotplug/asked.ts'
import type { DefaultRoute, PlannedAttachment } from '#api/socket'
import { type Refusal, refuse, type RequestedNetwork } from './requested-network.ts'
import type { Requested } from './requested-networks.ts'

/** What a look-up of a NetworkAttachmentDefinition found. */
export type LookedUp =
  | {
      readonly state: 'usable'
      readonly config: NetworkConfig
      readonly resourceName?: string
      /** Requests that no plugin can honour warn. */
      readonly lenient?: boolean
      /** Name in network-status, for a network that a conf of the node defines. */
      readonly network?: string
    }
  | { readonly state: 'rejected'; readonly message: string }
  | { readonly state: 'missing' }
  /** Nobody could say: not in the cache, and the API server did not answer. */
  | { readonly state: 'unknown'; readonly message: string }

/** Everything that decides an ADD. */
export interface PlanInput {
  readonly containerId: string
  /** CNI_IFNAME. */
  readonly ifName: string
  readonly pod: PodIdentity
  readonly runtimeArgs: readonly CniArg[]
  /** The runtime's capability arguments. */
  readonly runtimeConfig: JsonObject
  readonly profile: ProfileSpec
  /** undefined until the node's primary was found. */
  readonly primary: PrimaryNetwork | undefined
  readonly requested: Requested
  /** By `key` of the requested networks. */
  readonly networks: ReadonlyMap<string, LookedUp>
  /** Plugins that run for every pod after its networks (profile `auxiliaryChain`). */
  readonly auxiliary?: NetworkConfig | undefined
}

export interface Plan {
  readonly ok: true
  /** In the order of attachment, primary first. */
  readonly attachments: readonly PlannedAttachment[]
  /** Sentences about what was left out or ignored. */
  readonly warnings: readonly string[]
}

/** One network before it has its interface's name. */
interface Draft {
  readonly network: string
  readonly path: string
  readonly config: NetworkConfig
  readonly primary: boolean
  readonly lenient: boolean
  readonly selection?: RequestedNetwork
}

/** Plans one ADD: the primary (or what replaces it), default networks, then the annotation's (spec/attachments 1.8, 1.9). */
export function planAttachments(input: PlanInput): Plan | Refusal {
  const { requested } = input
  const shared = sharedDefaultRoute([...(requested.primary === undefined ? [] : [requested.primary]), ...requested.further])
  if (shared !== undefined) return refuse('InvalidAnnotation', sentenceOf(shared))
  const warnings = [...requested.warnings]
  const primary = primaryDraft(input, warnings)
  if ('code' in primary) return primary
  const drafts: (Draft | undefined)[] = [primary]
  for (const selection of requested.further) {
    const draft = furtherDraft(selection, input, warnings)
    if ('code' in draft && selection.required) return draft
    if ('code' in draft) warnings.push(`${draft.sentence} (the pod starts without it: required is false)`)
    // A place is kept for what is left out, so that the others keep the names they have in every pod of this kind.
    drafts.push('code' in draft ? undefined : draft)
  }
  if (input.auxiliary !== undefined) drafts.push(auxiliaryDraft(input.auxiliary))
  const names = [
    nameRequest(primary),
    ...requested.further,
    ...drafts.slice(requested.further.length + 1).map(() => ({ path: 'auxiliaryChain' })),
  ]
  const named = nameInterfaces(names, input.ifName)
  if (!named.ok) return refuse('InvalidAnnotation', sentenceOf(named))
  const attachments = drafts.flatMap((draft, index) => {
    const ifName = named.names[index]
    return draft === undefined || ifName === undefined ? [] : [attachmentOf(draft, ifName, input)]
  })
  return { ok: true, attachments, warnings }
}

function nameRequest({ path, selection }: Draft): { readonly path: string; readonly ifName?: string } {
  return selection?.ifName === undefined ? { path } : { path, ifName: selection.ifName }
}

function primaryDraft(input: PlanInput, warnings: string[]): Draft | Refusal {
  const { requested, primary } = input
  if (requested.primary !== undefined) {
    const draft = usableDraft(requested.primary, input)
    if ('code' in draft) return draft
    // Addresses and MAC reach a primary in CNI_ARGS, which every plugin may read.
    const { ips: _, mac: __, ...others } = requested.primary
    return checkedRequests({ ...draft, primary: true }, others, { input, warnings })
  }
  if (primary === undefined) {
    return refuse(
      'TryAgainLater',
      'the primary network of this node is not known yet; the conf directory must hold the conf of a primary network',
    )
  }
  const { name } = primary
  const read = readNetworkConfig({ ...primary }, { path: 'primary', name })
  if (!read.ok) return refuse('InvalidConfig', sentenceOf(read))
  return { network: name, path: `the primary network "${name}"`, config: read.config, primary: true, lenient: false }
}

function furtherDraft(selection: RequestedNetwork, input: PlanInput, warnings: string[]): Draft | Refusal {
  const draft = usableDraft(selection, input)
  return 'code' in draft ? draft : checkedRequests(draft, selection, { input, warnings })
}

/** A request that no plugin can honour refuses the pod, or warns for networks taken over from Multus. */
function checkedRequests(
  draft: Draft,
  selection: NetworkSelection,
  { input, warnings }: { readonly input: PlanInput; readonly warnings: string[] },
): Draft | Refusal {
  const unhonoured = unhonouredRequest(selection, draft.config)
  if (unhonoured === undefined) return draft
  if (input.profile.strictCapabilities === 'Enabled' && !draft.lenient) return refuse('CapabilityMissing', sentenceOf(unhonoured))
  warnings.push(`${sentenceOf(unhonoured)} (the request is ignored: capabilities are not strict here)`)
  return draft
}

function usableDraft(selection: RequestedNetwork, { networks }: PlanInput): Draft | Refusal {
  const { key, path } = selection
  const found = networks.get(key) ?? { state: 'unknown', message: 'it was not looked up' }
  switch (found.state) {
    case 'usable': {
      const { config, resourceName, network = key, lenient = false } = found
      return unsupported(selection, resourceName) ?? { network, path, config, primary: false, lenient, selection }
    }
    case 'rejected':
      return refuse('NetworkRejected', `${path}: network ${key} cannot be used: ${found.message}`)
    case 'missing':
      return refuse('NetworkNotFound', notFound(selection))
    case 'unknown':
      return refuse('TryAgainLater', `${path}: network ${key} is not known on this node yet: ${found.message}; the pod starts when it is`)
    default:
      return found satisfies never
  }
}

/** Plugins that expect a result before them get an empty one, as behind Multus' `passthru`. */
function auxiliaryDraft(config: NetworkConfig): Draft {
  const plugins = config.plugins.map((plugin, index) =>
    index === 0 ? { ...plugin, conf: { prevResult: { cniVersion: config.cniVersion }, ...plugin.conf } } : plugin,
  )
  return { network: config.name, path: 'auxiliaryChain', config: { ...config, plugins }, primary: false, lenient: false }
}

function notFound({ path, namespace, name, nad, conf }: RequestedNetwork): string {
  if (nad === undefined) return `${path}: there is no CNI configuration at "${name}" on this node; put it there, or correct the profile`
  if (conf !== undefined) {
    return `${path}: neither a NetworkAttachmentDefinition "${name}" in namespace "${namespace}" nor a conf of that name on this node exists; create one of them, or correct the name`
  }
  return `${path}: there is no NetworkAttachmentDefinition "${name}" in namespace "${namespace}"; create it, or correct the annotation`
}

/** What a pod may ask for but this release cannot give is refused, never ignored. */
function unsupported({ path, deviceId, key }: RequestedNetwork, resourceName: string | undefined): Refusal | undefined {
  if (resourceName !== undefined && deviceId === undefined) {
    return refuse(
      'UnsupportedField',
      `${path}: network ${key} hands out devices of "${resourceName}", which this release does not; set "deviceID"`,
    )
  }
  return undefined
}

function attachmentOf({ network, config, primary, selection }: Draft, ifName: string, input: PlanInput): PlannedAttachment {
  return {
    network,
    ifName,
    primary,
    required: primary || (selection?.required ?? true),
    cniArgs: argsOf(input, selection),
    plugins: pluginInputs(config, {
      runtimeConfig: runtimeConfigOf(primary, selection, input),
      ...(selection?.cniArgs === undefined ? {} : { cniArgs: selection.cniArgs }),
      ...(selection?.deviceId === undefined ? {} : { deviceId: selection.deviceId }),
    }),
    timeoutMs: input.profile.delegateTimeoutSeconds * 1000,
    ...askedBy(selection),
    ...(selection?.defaultRoute !== undefined && { defaultRoute: defaultRouteOf(selection.defaultRoute, selection) }),
    ...(config.disableCheck && { disableCheck: true }),
    ...(config.disableGC && { disableGC: true }),
  }
}

/** The runtime's own values (hostPorts, bandwidth, cgroup) belong to the primary alone (MNS 7.5). */
function runtimeConfigOf(primary: boolean, selection: RequestedNetwork | undefined, input: PlanInput): JsonObject {
  if (primary) return { ...primaryRuntimeConfig(input.runtimeConfig), ...(selection === undefined ? {} : overrideRuntimeConfig(selection)) }
  return selection === undefined ? {} : secondaryRuntimeConfig(selection, {})
}

function defaultRouteOf(gateways: readonly string[], { defaultRouteMetric: metric }: RequestedNetwork): DefaultRoute {
  return metric === undefined ? { gateways } : { gateways, metric }
}

function argsOf({ pod, containerId, runtimeArgs }: PlanInput, selection: RequestedNetwork | undefined): string {
  return formatCniArgs({
    podNamespace: pod.namespace,
    podName: pod.name,
    podUid: pod.uid,
    containerId,
    runtimeArgs,
    ...(selection?.mac === undefined ? {} : { mac: selection.mac }),
    ...(selection?.ips === undefined ? {} : { ips: selection.ips }),
  })
}
