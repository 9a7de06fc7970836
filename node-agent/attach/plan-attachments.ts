// Decides what is attached to one pod: which networks in which order, under which names, with which stdin. Pure: everything was looked up before.
import { sharedDefaultRoute } from '#api/annotations/default-route'
import { nameInterfaces } from '#api/annotations/naming'
import { type DeviceArgs, overrideRuntimeConfig, primaryRuntimeConfig, secondaryRuntimeConfig, unhonouredRequest } from '#api/capabilities'
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
import { assignDevices, type GivenDevice, type GivenDevices } from '../devices/assign-devices.ts'
import { attachedDevice, deviceArgs, deviceRefusal, deviceWarning, injected, primaryDeviceConfig } from '../devices/attachment-device.ts'
import type { DeviceIds } from '../devices/device-ids.ts'
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
  /** Devices of the pod that are free to be given; absent when no network hands out devices, or when this agent has none to give. */
  readonly devices?: DeviceIds
  /** Directory of device-info files; absent when this agent has nothing to do with devices. */
  readonly deviceInfoDir?: string
}

/** With the devices given away. */
interface Planning extends PlanInput {
  readonly given: GivenDevices
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
  readonly given?: GivenDevice
}

/** Plans one ADD: the primary (or what replaces it), default networks, then the annotation's (spec/attachments 1.8, 1.9). */
export function planAttachments(asked: PlanInput): Plan | Refusal {
  const input = { ...asked, given: givenDevices(asked) }
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
  warnings.push(...drafts.flatMap(warningOf))
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

/** Who gets which device of the pod, in the order of attachment. */
function givenDevices({ requested, networks, devices }: PlanInput): GivenDevices {
  const all = requested.primary === undefined ? requested.further : [requested.primary, ...requested.further]
  const requests = all.map((selection) => {
    const found = networks.get(selection.key)
    return { selection, resourceName: found?.state === 'usable' ? found.resourceName : undefined }
  })
  return assignDevices(requests, devices ?? new Map())
}

function warningOf(draft: Draft | undefined): readonly string[] {
  if (draft?.selection === undefined) return []
  return [deviceWarning(draft.selection, draft.given, draft.config) ?? []].flat()
}

function nameRequest({ path, selection }: Draft): { readonly path: string; readonly ifName?: string } {
  return selection?.ifName === undefined ? { path } : { path, ifName: selection.ifName }
}

function primaryDraft(input: Planning, warnings: string[]): Draft | Refusal {
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

function furtherDraft(selection: RequestedNetwork, input: Planning, warnings: string[]): Draft | Refusal {
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

function usableDraft(selection: RequestedNetwork, input: Planning): Draft | Refusal {
  const { key, path } = selection
  const found = input.networks.get(key) ?? { state: 'unknown', message: 'it was not looked up' }
  switch (found.state) {
    case 'usable': {
      const { config, resourceName: resource, network = key, lenient = false } = found
      const given = input.given.get(selection)
      const refusal = deviceRefusal(selection, { resource, given }, input)
      return refusal ?? { network, path, config, primary: false, lenient, selection, ...(given === undefined ? {} : { given }) }
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

function attachmentOf(draft: Draft, ifName: string, input: PlanInput): PlannedAttachment {
  const { network, config, primary, selection, given } = draft
  const place = { network, containerId: input.containerId, ifName, config }
  const device = selection === undefined ? undefined : attachedDevice(place, given, input.deviceInfoDir)
  return {
    network,
    ifName,
    primary,
    required: primary || (selection?.required ?? true),
    cniArgs: argsOf(input, selection),
    plugins: pluginInputs(config, {
      runtimeConfig: runtimeConfigOf(draft, deviceArgs(given, device), input),
      ...(selection?.cniArgs === undefined ? {} : { cniArgs: selection.cniArgs }),
      ...injected(given),
    }),
    timeoutMs: input.profile.delegateTimeoutSeconds * 1000,
    ...askedBy(selection),
    ...(selection?.defaultRoute !== undefined && { defaultRoute: defaultRouteOf(selection.defaultRoute, selection) }),
    ...(config.disableCheck && { disableCheck: true }),
    ...(config.disableGC && { disableGC: true }),
    ...(device === undefined ? {} : { device }),
  }
}

/** The runtime's own values (hostPorts, bandwidth, cgroup) belong to the primary alone (MNS 7.5). */
function runtimeConfigOf({ primary, selection }: Draft, device: DeviceArgs, input: PlanInput): JsonObject {
  if (primary) {
    const override = selection === undefined ? {} : overrideRuntimeConfig(selection)
    return { ...primaryRuntimeConfig(input.runtimeConfig), ...override, ...primaryDeviceConfig(device) }
  }
  return selection === undefined ? {} : secondaryRuntimeConfig(selection, device)
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
