// Decides what an agent says of its node: the status of NodeNetwork and its conditions. Pure: never compares with what was said before.
import type { NodeNetworkStatus } from '#api/kinds/node-network'
import { formatRevision, type Revision } from '#api/stream'
import type { Wanted, WantedCondition } from '#kube/conditions'
import type { HeldReason } from '../conf/plan-conf.ts'
import type { BinaryView } from '../install/apply-binaries.ts'
import type { NodeView } from '../install/reconcile-node.ts'
import type { StreamState } from '../stream/client.ts'

/** Everything the report is made of. */
export interface NodeFacts {
  /** undefined before the first look at the node. */
  readonly view: NodeView | undefined
  readonly stream: StreamState
  readonly revision: Revision | undefined
  /** Whether the socket for the shim listens. */
  readonly listening: boolean
  readonly agentVersion: string
  readonly conf: { readonly path: string; readonly sha256: string; readonly cniVersion: string } | undefined
  readonly sandboxes: { readonly attached: number; readonly deleting: number }
  /** Pods per `namespace/name`. */
  readonly networks: ReadonlyMap<string, number>
  readonly generation: number
}

export interface NodeReport {
  readonly conditions: Wanted
  readonly status: Omit<NodeNetworkStatus, 'conditions'>
}

const MOST_NETWORKS = 512

/** A condition before the generation is filled in. */
type Said = Omit<WantedCondition, 'observedGeneration'>

/** Builds the report. */
export function planNodeStatus(facts: NodeFacts): NodeReport {
  const parts = { ...nodeConditions(facts), StreamConnected: streamCondition(facts.stream) }
  const ready = readyCondition(facts, parts)
  const said: Readonly<Record<string, Said | undefined>> = {
    Ready: ready,
    Stalled: stalledCondition(facts.view, ready),
    ...parts,
    ConfContested: contestedCondition(facts.view),
  }
  const conditions = Object.entries(said).map(
    ([type, condition]) => [type, condition === undefined ? undefined : { ...condition, observedGeneration: facts.generation }] as const,
  )
  return { conditions: Object.fromEntries(conditions), status: statusOf(facts) }
}

/** Why an ADD would not succeed now, as a sentence; undefined when it would. The readiness probe and the condition Ready say the same. */
export function notReadyReason(facts: Pick<NodeFacts, 'view' | 'listening'>): string | undefined {
  const condition = readyCondition(facts, nodeConditions(facts))
  return condition.status === 'True' ? undefined : `${condition.reason}: ${condition.message}`
}

type NodeConditions = Readonly<Record<'PrimaryFound' | 'BinariesInstalled' | 'ConfInstalled', Said>>

function nodeConditions({ view }: Pick<NodeFacts, 'view'>): NodeConditions {
  if (view === undefined || view.kind === 'unknown') {
    const pending = {
      status: 'Unknown',
      reason: 'ProfileUnknown',
      message: 'the operator has not yet sent the profile of this node',
    } as const
    return { PrimaryFound: pending, BinariesInstalled: pending, ConfInstalled: pending }
  }
  const { primary } = view
  const PrimaryFound: Said =
    primary.kind === 'found'
      ? { status: 'True', reason: 'Found', message: `the primary network is "${primary.primary.name}" of ${primary.source}` }
      : { status: 'False', reason: primary.reason, message: primary.message }
  if (view.kind === 'removed') {
    const message = `profile ${view.profile.name} takes Plexus off this node`
    return {
      PrimaryFound,
      BinariesInstalled: { status: 'False', reason: 'Removed', message },
      ConfInstalled: { status: 'False', reason: 'Removed', message },
    }
  }
  return { PrimaryFound, BinariesInstalled: binariesCondition(view.binaries), ConfInstalled: confCondition(view) }
}

function binariesCondition(binaries: readonly BinaryView[]): Said {
  const problems = binaries.flatMap(({ problem }) => problem ?? [])
  if (problems.length === 0) return { status: 'True', reason: 'Installed', message: `${binaries.length} binaries are in place` }
  return { status: 'False', reason: 'NotInstalled', message: problems.join('. ').slice(0, 4096) }
}

function confCondition({ conf }: Extract<NodeView, { kind: 'installed' }>): Said {
  switch (conf.kind) {
    case 'installed':
      return { status: 'True', reason: 'Installed', message: `the runtime uses ${conf.name} with CNI version ${conf.cniVersion}` }
    case 'removed':
      return { status: 'False', reason: 'Removed', message: 'our conf was removed' }
    case 'held':
      return { status: 'False', reason: conf.reason, message: conf.message }
    default:
      return conf satisfies never
  }
}

function streamCondition(stream: StreamState): Said {
  if (stream.kind === 'connected') return { status: 'True', reason: 'Connected', message: 'the operator streams to this node' }
  return { status: 'False', reason: 'OperatorAway', message: stream.message }
}

function readyCondition({ view, listening }: Pick<NodeFacts, 'view' | 'listening'>, parts: NodeConditions): Said {
  if (view?.kind === 'removed') return removedCondition(view)
  if (!listening) return { status: 'False', reason: 'NotListening', message: 'the socket for the CNI plugin does not listen' }
  // Plugins that are missing keep single networks away, not pods; the shim itself is part of ConfInstalled.
  const failed = [parts.PrimaryFound, parts.ConfInstalled].find(({ status }) => status !== 'True')
  return failed ?? { status: 'True', reason: 'Serving', message: 'pods of this node get their networks' }
}

function removedCondition({ profile, waitingFor }: Extract<NodeView, { kind: 'removed' }>): Said {
  if (waitingFor === 0) return { status: 'True', reason: 'Removed', message: `profile ${profile.name} took Plexus off this node` }
  return { status: 'False', reason: 'Removing', message: `${waitingFor} sandboxes still need our plugins; delete their pods` }
}

/** A person must act; without one these do not pass. */
const STALLED: ReadonlySet<string> = new Set<HeldReason>(['MultusPresent', 'ForeignFile', 'ConfContested', 'Shadowed'])

function stalledCondition(view: NodeView | undefined, ready: Said): Said | undefined {
  const held = view?.kind === 'installed' && view.conf.kind === 'held' && STALLED.has(view.conf.reason)
  return held && ready.status !== 'True' ? { status: 'True', reason: ready.reason, message: ready.message } : undefined
}

function contestedCondition(view: NodeView | undefined): Said | undefined {
  const contested = view?.kind === 'installed' && view.conf.kind === 'held' && view.conf.reason === 'ConfContested' ? view.conf : undefined
  return contested === undefined ? undefined : { status: 'True', reason: 'RewrittenByOthers', message: contested.message }
}

function statusOf(facts: NodeFacts): NodeReport['status'] {
  const { view, revision, conf } = facts
  const networks = [...facts.networks].toSorted(([a], [b]) => (a < b ? -1 : 1)).slice(0, MOST_NETWORKS)
  return {
    observedGeneration: facts.generation,
    agentVersion: facts.agentVersion,
    ...(view === undefined || view.kind === 'unknown' ? {} : { profile: view.profile.name, ...primaryOf(view) }),
    ...(revision === undefined ? {} : { revision: formatRevision(revision) }),
    ...(conf === undefined ? {} : { conf }),
    ...(view?.kind === 'installed' ? { binaries: view.binaries.map(binaryOf) } : {}),
    sandboxes: facts.sandboxes,
    networks: networks.map(([network, pods]) => ({ network, pods })),
  }
}

function primaryOf({ primary }: Exclude<NodeView, { kind: 'unknown' }>): Pick<NodeNetworkStatus, 'primary'> {
  return primary.kind === 'found' ? { primary: { name: primary.primary.name, type: primary.type, source: primary.source } } : {}
}

function binaryOf({ path, sha256, state }: BinaryView): NonNullable<NodeNetworkStatus['binaries']>[number] {
  return { path, state, ...(sha256 === undefined ? {} : { sha256 }) }
}
