// Decides what a NetworkAttachmentDefinition's status says: from the plan and the nodes' answers. Pure; never writes.
import type { NetworkStatus } from '#api/kinds/network-attachment-definition'
import type { Wanted, WantedCondition } from '#kube/conditions'
import type { Answer } from '../../stream/acks.ts'
import { firstFew, saidBy } from '../sentences.ts'
import type { NetworkPlan } from './plan-network.ts'

export type NetworkReason = 'Rendered' | 'WaitingForNodes' | 'NodesRejected' | 'MissingValue' | 'InvalidConfig'

export interface NetworkAnswers {
  readonly generation: number
  /** Of every node that shall have the network. */
  readonly answers: ReadonlyMap<string, Answer>
  /** Pods attached at present, over all nodes. */
  readonly pods: number
}

/** Everything a status says; the conditions still lack the times at which they changed. */
export interface NetworkReport {
  readonly reason: NetworkReason
  readonly message: string
  readonly status: Omit<NetworkStatus, 'conditions'>
  readonly wanted: Wanted
}

/** Reports one network. `NODES` counts nodes that confirmed the present revision of it. */
export function reportNetwork(plan: NetworkPlan, seen: NetworkAnswers): NetworkReport {
  const desired = seen.answers.size
  if (plan.kind === 'rejected') {
    return report(seen, { reason: 'InvalidConfig', message: plan.message }, { nodes: nodesOf(desired, 0, []) })
  }
  const lacking = new Set(plan.lacking.map(({ node }) => node))
  const answering = [...seen.answers].filter(([node]) => !lacking.has(node))
  const rejecting = answering.flatMap(([node, answer]) => (answer.kind === 'rejected' ? [{ node, message: answer.message }] : []))
  const waiting = answering.filter(([, answer]) => answer.kind === 'waiting').map(([node]) => node)
  const failed = [...plan.lacking, ...rejecting].map(({ node }) => node).toSorted()
  const nodes = nodesOf(desired, answering.length - rejecting.length - waiting.length, failed)
  const finding = findingOf({ lacking: plan.lacking, rejecting, waiting, desired })
  return report(seen, finding, { ...plan.traits, nodes })
}

interface Finding {
  readonly reason: NetworkReason
  readonly message: string
}

interface Told {
  readonly node: string
  readonly message: string
}

function findingOf(seen: {
  readonly lacking: readonly Told[]
  readonly rejecting: readonly Told[]
  readonly waiting: readonly string[]
  readonly desired: number
}): Finding {
  const { lacking, rejecting, waiting, desired } = seen
  if (lacking.length > 0) return { reason: 'MissingValue', message: firstFew(lacking.map(({ message }) => message)) }
  if (rejecting.length > 0)
    return { reason: 'NodesRejected', message: firstFew(rejecting.map(({ node, message }) => saidBy(node, message))) }
  if (desired === 0) {
    const message = 'no node is ruled by a NodeNetworkProfile with state Installed; create a profile whose nodeSelector matches a node'
    return { reason: 'WaitingForNodes', message }
  }
  if (waiting.length > 0) {
    return {
      reason: 'WaitingForNodes',
      message: `${waiting.length} of ${desired} nodes have not confirmed yet: ${firstFew(waiting, ', ')}`,
    }
  }
  return { reason: 'Rendered', message: `in use on ${desired} ${desired === 1 ? 'node' : 'nodes'}` }
}

function report(
  { generation, pods }: NetworkAnswers,
  { reason, message }: Finding,
  rest: Omit<NetworkStatus, 'conditions' | 'observedGeneration' | 'pods'>,
): NetworkReport {
  const condition = (status: WantedCondition['status']): WantedCondition => ({ status, reason, message, observedGeneration: generation })
  const isReady = reason === 'Rendered'
  const isWaiting = reason === 'WaitingForNodes'
  // Abnormal conditions are absent when healthy (spec/operations 1.7); a human is needed for everything that is neither ready nor waiting.
  const wanted: Wanted = {
    Ready: condition(isReady ? 'True' : 'False'),
    Reconciling: isWaiting ? condition('True') : undefined,
    Stalled: isReady || isWaiting ? undefined : condition('True'),
  }
  return { reason, message, wanted, status: { observedGeneration: generation, pods, ...rest } }
}

function nodesOf(desired: number, ready: number, failed: readonly string[]): NonNullable<NetworkStatus['nodes']> {
  const counted = { desired, ready, summary: `${ready}/${desired}` }
  return failed.length === 0 ? counted : { ...counted, failed: failed.slice(0, 10) }
}
