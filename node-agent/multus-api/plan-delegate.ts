// Decides what a `/delegate` ADD attaches: what the pod's annotation says of that interface, else the configuration that was sent. Never executes.
import { type NetworkConfig, parseNetworkConfig } from '#api/cni/config'
import { PlexusError } from '#api/errors'
import { sentenceOf } from '#api/json'
import type { ProfileSpec } from '#api/kinds/node-network-profile'
import type { PrimaryNetwork } from '#api/node-file'
import type { SandboxRecord } from '#api/sandbox-record'
import type { PlannedAttachment } from '#api/socket'
import type { AttachContext } from '../attach/attach-context.ts'
import { type LookedUp, planAttachments } from '../attach/plan-attachments.ts'
import type { RequestedNetwork } from '../attach/requested-network.ts'
import { requestedNetworks } from '../attach/requested-networks.ts'
import { resolveNetworks } from '../attach/resolve-networks.ts'
import type { SandboxRequest } from '../attach/sandbox-request.ts'
import type { InterfaceAttributes, MultusRequest } from './request.ts'

export interface DelegateQuery {
  readonly request: MultusRequest
  readonly sandbox: SandboxRequest
  readonly record: SandboxRecord
  readonly signal: AbortSignal
}

/** The posted configuration, with the same rules as that of a NAD. Throws `InvalidConfig`. */
export function postedConfig({ config }: MultusRequest): NetworkConfig {
  const parsed = parseNetworkConfig(config, { path: 'config', name: 'delegate' })
  if (!parsed.ok) throw new PlexusError('InvalidConfig', sentenceOf(parsed))
  return parsed.config
}

/** One attachment by the planner that plans every ADD; throws its sentence. */
export async function planDelegate(context: AttachContext, query: DelegateQuery): Promise<PlannedAttachment> {
  const { sandbox } = query
  const spec = profileOf(context)
  const config = postedConfig(query.request)
  const annotated = await annotatedNetwork(context, query, spec)
  const known = annotated === undefined ? undefined : await found(context, annotated, query.signal)
  if (annotated !== undefined && known?.state === 'usable' && known.config.name === config.name) {
    return planOne(query, { selection: annotated, found: known, spec, primary: context.primary.current() })
  }
  if (spec.namespaceIsolation === 'Enabled') throw unasked(sandbox)
  const selection = anonymous(sandbox, config)
  const planned = planOne(query, { selection, found: { state: 'usable', config }, spec, primary: context.primary.current() })
  return { ...planned, network: config.name }
}

interface OneNetwork {
  readonly selection: RequestedNetwork
  readonly found: LookedUp
  readonly spec: ProfileSpec
  readonly primary: PrimaryNetwork | undefined
}

function planOne(query: DelegateQuery, { selection, found, spec, primary }: OneNetwork): PlannedAttachment {
  const { sandbox, record } = query
  const planned = planAttachments({
    ...sandbox,
    ifName: record.ifName,
    pod: record.pod,
    profile: spec,
    primary,
    requested: { ok: true, further: [selectionOf(query, selection)], tke: false, warnings: [] },
    networks: new Map([[selection.key, found]]),
  })
  if (!planned.ok) throw new PlexusError(planned.code, planned.sentence)
  const attachment = planned.attachments.find((one) => !one.primary)
  if (attachment !== undefined) return attachment
  throw new PlexusError('Internal', `nothing was planned for ${sandbox.ifName}; see the agent's log`)
}

function profileOf({ snapshot }: AttachContext): ProfileSpec {
  const spec = snapshot.profile()?.spec
  if (spec !== undefined) return spec
  throw new PlexusError('TryAgainLater', 'this node has not received its NodeNetworkProfile yet; check that the Plexus operator runs')
}

/** The element of the pod's annotation that names this interface. A pod whose annotation is refused gets nothing by this way either. */
async function annotatedNetwork(
  { pods }: AttachContext,
  { sandbox, record, signal }: DelegateQuery,
  profile: ProfileSpec,
): Promise<RequestedNetwork | undefined> {
  const pod = await pods.find(record.pod, signal).catch((cause: unknown) => {
    const { namespace, name } = record.pod
    throw new PlexusError('TryAgainLater', `pod ${namespace}/${name} cannot be read from the API server; try again`, { cause })
  })
  if (pod === undefined) {
    throw new PlexusError(
      'UnknownContainer',
      `pod ${record.pod.namespace}/${record.pod.name} does not exist any more; attach nothing to it`,
    )
  }
  const requested = requestedNetworks({
    annotations: pod.metadata.annotations,
    podNamespace: record.pod.namespace,
    // Default networks are never plugged by this way, so nobody has to know the labels of the namespace.
    profile: { ...profile, defaultNetworks: [], namespaceDefaults: [] },
  })
  if (!requested.ok) throw new PlexusError(requested.code, requested.sentence)
  return requested.further.find(({ ifName }) => ifName === sandbox.ifName)
}

function unasked({ ifName, pod }: SandboxRequest): PlexusError {
  const sentence = `${ifName}: the networks annotation of pod ${pod.namespace}/${pod.name} has no element with this interface and network, and namespaceIsolation lets the socket attach nothing else; add the element first`
  return new PlexusError('IsolationViolated', sentence)
}

/** A configuration that no element of the pod's annotation stands for: its own name is all that is known. */
function anonymous({ pod }: SandboxRequest, { name }: NetworkConfig): RequestedNetwork {
  return { namespace: pod.namespace, name, path: 'interfaceAttributes', key: name, required: true }
}

async function found(context: AttachContext, network: RequestedNetwork, signal: AbortSignal): Promise<LookedUp | undefined> {
  const networks = await resolveNetworks(context, { further: [network] }, signal)
  return networks.get(network.key)
}

/** What was sent wins over the annotation; the annotation knows more than can be sent. */
function selectionOf({ request, sandbox }: DelegateQuery, network: RequestedNetwork): RequestedNetwork {
  const { ips, mac, cniArgs }: InterfaceAttributes = request.attributes
  return {
    ...network,
    ifName: sandbox.ifName,
    required: true,
    ...(ips !== undefined && { ips }),
    ...(mac !== undefined && { mac }),
    ...(cniArgs !== undefined && { cniArgs }),
  }
}
