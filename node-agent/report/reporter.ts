// Decides when the agent writes its NodeNetwork: when something changed, counts at most every ten seconds. Never decides what it says.
import type { NodeNetwork } from '#api/kinds/node-network'
import { setConditions, type Condition, type Transition } from '#kube/conditions'
import type { EventRecorder } from '#kube/events'
import type { Clock } from '#kube/process/clock'
import type { Log } from '#kube/process/log'
import type { Metrics } from '#kube/process/metrics'
import type { NodeInfoSource } from '../install/node-info.ts'
import { aboutNodeNetwork, type NodeNetworks } from './node-networks.ts'
import { type NodeFacts, type NodeReport, planNodeStatus } from './plan-node-status.ts'

export interface ReporterOptions {
  readonly networks: NodeNetworks
  readonly nodeInfo: NodeInfoSource
  facts(): Omit<NodeFacts, 'generation'>
  readonly events: EventRecorder
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

export interface Reporter {
  /** Says what is to be said now; throws when the API server does not take it. */
  run(signal: AbortSignal): Promise<void>
}

const COUNTS_MS = 10_000
/** How often the object is read even when nothing changed here, in case somebody deleted it. */
const READ_MS = 600_000

/** What was last said, and when. */
interface Known {
  readonly object: NodeNetwork
  readonly essence: string
  readonly counts: string
  readonly writtenAt: number
  readonly readAt: number
}

/** Opens the reporter. */
export function openReporter(options: ReporterOptions): Reporter {
  const { networks, clock } = options
  const tell = openTelling(options)
  let known: Known | undefined

  const read = async (signal: AbortSignal): Promise<Known | undefined> => {
    const present = await networks.get(signal)
    const object = present ?? (await create(options, signal))
    if (object === undefined) return undefined
    const unsaid = { essence: '', counts: '', writtenAt: Number.NEGATIVE_INFINITY }
    const kept = known !== undefined && present?.metadata.uid === known.object.metadata.uid ? known : unsaid
    return { ...kept, object, readAt: clock.monotonic() }
  }
  return {
    run: async (signal) => {
      if (known === undefined || clock.monotonic() - known.readAt >= READ_MS) known = await read(signal)
      if (known === undefined) return
      const { object } = known
      const report = planNodeStatus({ ...options.facts(), generation: object.metadata.generation })
      const change = setConditions(conditionsOf(object), report.conditions, clock.now())
      const { essence, counts } = split(report)
      const now = clock.monotonic()
      const same = !change.changed && essence === known.essence
      if (same && (counts === known.counts || now - known.writtenAt < COUNTS_MS)) return
      const after = await networks.applyStatus({ ...report.status, conditions: change.conditions }, signal)
      if (after !== undefined) tell(after, change.transitions)
      known = after === undefined ? undefined : { ...known, object: after, essence, counts, writtenAt: now }
    },
  }
}

/** Without the Node's uid nothing can own the object: it is created once that is known. */
async function create({ networks, nodeInfo }: ReporterOptions, signal: AbortSignal): Promise<NodeNetwork | undefined> {
  const uid = nodeInfo.current()?.uid
  return uid === undefined ? undefined : await networks.ensure(uid, signal)
}

function conditionsOf({ status }: NodeNetwork): readonly Condition[] {
  return status?.conditions ?? []
}

function split({ status }: NodeReport): { readonly essence: string; readonly counts: string } {
  const { sandboxes, networks, ...essence } = status
  return { essence: JSON.stringify(essence), counts: JSON.stringify([sandboxes, networks]) }
}

/** True means trouble for these; all others are fine when True. */
const ABNORMAL = new Set(['Stalled', 'ConfContested'])

/** Event, log line and metric of the same transition, so that they cannot disagree. */
function openTelling({ events, log, metrics }: ReporterOptions): (object: NodeNetwork, transitions: readonly Transition[]) => void {
  const gauge = metrics.gauge({ name: 'node_condition_bool', help: 'Whether a condition of this node is True.', labels: ['type'] })
  return (object, transitions) => {
    for (const condition of conditionsOf(object)) gauge.with({ type: condition.type }).set(condition.status === 'True' ? 1 : 0)
    for (const { type, from, to, reason, message } of transitions) {
      const fine = (to === 'True') !== ABNORMAL.has(type)
      log[fine ? 'info' : 'warn']('a condition of the node changed', { condition: type, from, to, reason, detail: message })
      // What is said for the first time is no change, unless a person must act.
      if (from !== 'Absent' || ABNORMAL.has(type)) {
        events.record({ about: aboutNodeNetwork(object), type: fine ? 'Normal' : 'Warning', reason, action: type, message })
      }
      if (to === 'Absent') gauge.drop({ type })
    }
  }
}
