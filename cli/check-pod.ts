// Decides what is wrong with the network annotations of one pod, by the grammar and the planner of the agent. Never looks at a cluster.
import type { ProfileSpec } from '#api/kinds/node-network-profile'
import { type LookedUp, type Plan, planAttachments } from '#node-agent/attach/plan-attachments'
import type { Refusal, RequestedNetwork } from '#node-agent/attach/requested-network'
import { type Requested, requestedNetworks } from '#node-agent/attach/requested-networks'
import type { PrimaryNetwork } from '#api/node-file'
import { type Finding, findingIn, findingOf, type Place } from './findings.ts'

/** What a pod asks for and what decides about it. */
export interface PodQuestion {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly annotations: Readonly<Record<string, string>>
  readonly profile: ProfileSpec
  /** Labels of the pod's namespace; none unless given. */
  readonly namespaceLabels?: Readonly<Record<string, string>>
  /** Undefined: any; only its place in the order counts. */
  readonly primary?: PrimaryNetwork
  /** Networks by `namespace/name`; what is missing here is not known. */
  readonly networks: ReadonlyMap<string, LookedUp>
}

/** Its place is taken in plans that are made without a node. */
const ANY_PRIMARY: PrimaryNetwork = { name: 'primary', cniVersion: '1.0.0', plugins: [{ type: 'primary' }] }

/** The annotations, resolved. */
export function resolve({ annotations, namespace, namespaceLabels = {}, profile }: PodQuestion): Requested | Refusal {
  return requestedNetworks({ annotations, podNamespace: namespace, namespaceLabels, profile })
}

/** What an ADD of this pod would attach. */
export function planPod(question: PodQuestion, requested: Requested): Plan | Refusal {
  const { namespace, name, uid, profile, networks, primary = ANY_PRIMARY } = question
  return planAttachments({
    containerId: 'none',
    ifName: 'eth0',
    pod: { namespace, name, uid },
    runtimeArgs: [],
    runtimeConfig: {},
    profile,
    primary,
    requested,
    networks,
  })
}

/** Every network of the pod, each once. */
export function networksIn({ primary, further }: Requested): readonly RequestedNetwork[] {
  const all = primary === undefined ? further : [primary, ...further]
  return all.filter(({ key }, index) => all.findIndex((other) => other.key === key) === index)
}

/** Checks one pod against the networks that the files hold. */
export function checkPod(question: PodQuestion, place: Place): readonly Finding[] {
  const requested = resolve(question)
  if (!requested.ok) return [findingIn(place, requested.sentence)]
  const doubts = requested.warnings.map((warning) => findingIn(place, warning, 'warning'))
  const unknown = networksIn(requested).filter(({ key }) => !question.networks.has(key))
  const absent = unknown.map(({ key }): Finding => {
    const problem = `network ${key} is not in these files`
    return { ...findingOf(place, { path: '', problem, remedy: 'it must be in the cluster when the pod starts' }), severity: 'warning' }
  })
  // A plan is all or nothing: with an unknown network nothing more can be said.
  if (unknown.length > 0) return [...doubts, ...absent]
  const plan = planPod(question, requested)
  if (!plan.ok) return [...doubts, findingIn(place, plan.sentence)]
  return [...doubts, ...plan.warnings.slice(requested.warnings.length).map((warning) => findingIn(place, warning, 'warning'))]
}
