// Decides what is told about one pod: what it asks for, what that means, what it should get, what it has, and what went wrong last. Pure.
import { z } from 'zod'
import { ATTACHMENT_ANNOTATIONS, NETWORK_STATUS_KEY } from '#api/annotations/keys'
import { type JsonObject, parseJson } from '#api/json'
import { MAX_ANNOTATION_BYTES } from '#api/limits'
import type { PlannedAttachment } from '#api/socket'
import type { Plan } from '#node-agent/attach/plan-attachments'
import type { Refusal } from '#node-agent/attach/requested-network'
import type { Requested } from '#node-agent/attach/requested-networks'
import { networksIn, planPod, resolve } from './check-pod.ts'
import type { PodFacts } from './gather-pod.ts'

/** An attachment as network-status tells it. */
export interface Attached {
  readonly network: string
  readonly ifName: string
  readonly ips: readonly string[]
  readonly mac: string
}

/** The whole story of one pod; each part is undefined or empty when there is nothing to say. */
export interface Explanation {
  readonly pod: string
  readonly phase: string
  readonly node: string
  readonly profile: string
  /** Key and value of every annotation that asks for networks. */
  readonly annotations: readonly (readonly [string, string])[]
  /** Each network and what is known of it. */
  readonly networks: readonly { readonly network: string; readonly from: string; readonly state: string }[]
  readonly plan: readonly { readonly network: string; readonly ifName: string; readonly plugins: string; readonly asks: string }[]
  readonly results: readonly Attached[]
  /** The last warning about this pod's networks. */
  readonly lastError?: string
  /** Why the pod does not get what it asks for; empty when it does. */
  readonly problems: readonly string[]
}

const status = z.array(
  z.object({
    name: z.string(),
    interface: z.string().default(''),
    ips: z.array(z.string()).nullish(),
    mac: z.string().nullish(),
  }),
)
/** Events about a pod's networks: ours, and what the kubelet repeats of a failed ADD. */
const ABOUT_NETWORKS = [
  'FailedAttach',
  'NetworkStatusPending',
  'NetworksMissed',
  'NetworkIgnored',
  'FailedCreatePodSandBox',
  'FailedKillPod',
]
const OURS = /^Failed(Adding|Removing)Interface|^Interface/

/** Explains a pod; the exit code of `why` is 0 when `problems` is empty. */
export function explainPod(facts: PodFacts): Explanation {
  const { pod, profile } = facts
  const { annotations, namespace, name } = pod.metadata
  const requested = profile === undefined ? undefined : resolve({ ...facts, ...pod.metadata, profile: profile.spec })
  const plan = requested?.ok === true ? planOf(facts, requested) : undefined
  const results = resultsOf(annotations[NETWORK_STATUS_KEY])
  const lastError = lastErrorIn(facts)
  return {
    pod: `${namespace}/${name}`,
    phase: pod.status.phase,
    node: pod.spec.nodeName,
    profile: profileOf(facts),
    annotations: ATTACHMENT_ANNOTATIONS.flatMap((key) => (annotations[key] === undefined ? [] : [[key, annotations[key]] as const])),
    networks: requested?.ok === true ? networksOf(requested, facts) : [],
    plan: plan?.ok === true ? plan.attachments.map(planned) : [],
    results,
    ...(lastError !== undefined && { lastError }),
    problems: problemsOf(facts, { requested, plan, results }),
  }
}

/** What the agent says rules its node; before that, what should. */
function profileOf({ profile, nodeNetwork }: PodFacts): string {
  return nodeNetwork?.status?.profile ?? profile?.metadata.name ?? ''
}

function lastErrorIn({ events }: PodFacts): string | undefined {
  const last = events.findLast(({ type, reason }) => type === 'Warning' && (ABOUT_NETWORKS.includes(reason) || OURS.test(reason)))
  return last === undefined ? undefined : `${last.reason}: ${last.message}`
}

function planOf({ pod, profile, networks, nodeNetwork }: PodFacts, requested: Requested): Plan | Refusal | undefined {
  if (profile === undefined) return undefined
  const named = nodeNetwork?.status?.primary
  const primary = named === undefined ? {} : { primary: { name: named.name, cniVersion: '1.0.0', plugins: [{ type: named.type }] } }
  return planPod({ ...pod.metadata, profile: profile.spec, networks, ...primary }, requested)
}

function networksOf(requested: Requested, { networks }: PodFacts): Explanation['networks'] {
  return networksIn(requested).map(({ key: network, path: from }) => {
    const found = networks.get(network)
    const state = found === undefined ? 'not read' : found.state === 'rejected' ? `rejected: ${found.message}` : found.state
    return { network, from, state }
  })
}

function planned({ network, ifName, plugins, cniArgs }: PlannedAttachment): Explanation['plan'][number] {
  const asks = plugins.flatMap((plugin) => (plugin['runtimeConfig'] === undefined ? [] : [JSON.stringify(plugin['runtimeConfig'])]))
  const own = cniArgs.split(';').filter((pair) => pair.startsWith('MAC=') || pair.startsWith('IP='))
  return { network, ifName, plugins: plugins.map(typeOf).join(' → '), asks: [...own, ...new Set(asks)].join(' ') }
}

function typeOf({ type }: JsonObject): string {
  return typeof type === 'string' ? type : ''
}

/** network-status, as far as it can be read. */
function resultsOf(text: string | undefined): readonly Attached[] {
  const json = parseJson(text ?? '[]', { maxBytes: MAX_ANNOTATION_BYTES })
  const parsed = status.safeParse(json.ok ? json.value : [])
  if (!parsed.success) return []
  return parsed.data.map((item) => ({ network: item.name, ifName: item.interface, ips: item.ips ?? [], mac: item.mac ?? '' }))
}

interface Parts {
  readonly requested: Requested | Refusal | undefined
  readonly plan: Plan | Refusal | undefined
  readonly results: readonly Attached[]
}

function problemsOf(facts: PodFacts, { requested, plan, results }: Parts): readonly string[] {
  const { pod, profile, nodeNetwork } = facts
  const asks = ATTACHMENT_ANNOTATIONS.some((key) => (pod.metadata.annotations[key] ?? '') !== '')
  if (pod.spec.hostNetwork) {
    return asks ? ["the pod uses the node's network, so nothing is attached; remove hostNetwork or the annotation"] : []
  }
  if (profile === undefined) return ['no NodeNetworkProfile matches the node of this pod; create one, or change its nodeSelector']
  if (pod.spec.nodeName === '') return ['the pod is not scheduled to a node yet; see its events']
  const refused = [requested, plan].find((part): part is Refusal => part?.ok === false)
  if (refused !== undefined) return [refused.sentence]
  const missing = plan?.ok === true && pod.status.phase === 'Running' ? missingIn(plan, results) : []
  return [...nodeProblems(nodeNetwork, pod.spec.nodeName), ...missing]
}

function nodeProblems(nodeNetwork: PodFacts['nodeNetwork'], node: string): readonly string[] {
  if (nodeNetwork === undefined) return [`node ${node} has no NodeNetwork: no agent has run there; look at the pods of the node agent`]
  const ready = nodeNetwork.status?.conditions?.find(({ type }) => type === 'Ready')
  return ready === undefined || ready.status === 'True' ? [] : [`node ${node} does not serve pods: ${ready.reason}: ${ready.message}`]
}

/** Planned interfaces that network-status does not show. */
function missingIn({ attachments }: Plan, results: readonly Attached[]): readonly string[] {
  const shown = new Set(results.map(({ ifName }) => ifName))
  return attachments
    .filter(({ ifName, primary, required }) => !primary && required && !shown.has(ifName))
    .map(
      ({ network, ifName }) =>
        `${ifName} of network ${network} is not in network-status; if the pod is older than the annotation or than Plexus, create it anew`,
    )
}
