// Decides what a NodeNetworkProfile's status says: from its check and the nodes it rules. Pure; never writes.
import type { ProfileSpec, ProfileStatus } from '#api/kinds/node-network-profile'
import type { Wanted, WantedCondition } from '#kube/conditions'
import type { Answer } from '../../stream/acks.ts'
import { firstFew, saidBy } from '../sentences.ts'
import type { CheckedProfile } from './check-profile.ts'

export type ProfileReason = 'InForce' | 'NoNodes' | 'WaitingForNodes' | 'NodesRejected' | 'InvalidProfile'

/** A node that the profile rules. */
export interface RuledNode {
  readonly node: string
  readonly answer: Answer
  /** Condition Ready of its NodeNetwork. */
  readonly ready: boolean
}

export interface ProfileObservation {
  readonly generation: number
  readonly state: ProfileSpec['state']
  readonly checked: CheckedProfile
  readonly nodes: readonly RuledNode[]
  /** Why statuses of networks are not written; undefined while they are. */
  readonly schemaProblem: string | undefined
}

export interface ProfileReport {
  readonly reason: ProfileReason
  readonly message: string
  readonly status: Omit<ProfileStatus, 'conditions'>
  readonly wanted: Wanted
}

/** Reports one profile. A node counts as ready when its agent confirmed the profile and, unless it is to be removed, is itself ready. */
export function reportProfile(seen: ProfileObservation): ProfileReport {
  const ready = seen.nodes.filter((node) => isDone(seen, node)).length
  const desired = seen.nodes.length
  const finding = findingOf(seen)
  const condition = (status: WantedCondition['status']): WantedCondition => ({ status, ...finding, observedGeneration: seen.generation })
  const isReady = finding.reason === 'InForce' || finding.reason === 'NoNodes'
  const isWaiting = finding.reason === 'WaitingForNodes'
  const schema: WantedCondition | undefined =
    seen.schemaProblem === undefined
      ? undefined
      : { status: 'False', reason: 'SchemaReplaced', message: seen.schemaProblem, observedGeneration: seen.generation }
  return {
    ...finding,
    status: { observedGeneration: seen.generation, nodes: { desired, ready, summary: `${ready}/${desired}` } },
    wanted: {
      Ready: condition(isReady ? 'True' : 'False'),
      Reconciling: isWaiting ? condition('True') : undefined,
      Stalled: isReady || isWaiting ? undefined : condition('True'),
      NADStatusSchema: schema,
    },
  }
}

function isDone({ state }: ProfileObservation, { answer, ready }: RuledNode): boolean {
  return answer.kind === 'confirmed' && (ready || state === 'Removed')
}

function findingOf(seen: ProfileObservation): { readonly reason: ProfileReason; readonly message: string } {
  const { checked, nodes } = seen
  if (!checked.ok) return { reason: 'InvalidProfile', message: `${checked.message}; nodes keep the last valid version` }
  if (nodes.length === 0)
    return { reason: 'NoNodes', message: 'rules no node: none matches its nodeSelector, or profiles of higher priority do' }
  const rejecting = nodes.flatMap(({ node, answer }) => (answer.kind === 'rejected' ? [saidBy(node, answer.message)] : []))
  if (rejecting.length > 0) return { reason: 'NodesRejected', message: firstFew(rejecting) }
  const waiting = nodes.filter((node) => !isDone(seen, node)).map(({ node }) => node)
  if (waiting.length > 0) {
    return {
      reason: 'WaitingForNodes',
      message: `${waiting.length} of ${nodes.length} nodes are not ready yet: ${firstFew(waiting, ', ')}`,
    }
  }
  const where = `${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}`
  return { reason: 'InForce', message: seen.state === 'Removed' ? `removed from ${where}` : `in force on ${where}` }
}
