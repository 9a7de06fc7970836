// Decides when a running pod is looked at: when its annotation or phase changes, at start, each minute, and when a network changes while one waits for it.
import { NETWORKS_KEY } from '#api/annotations/keys'
import { type Controller, type Outcome, startController } from '#kube/controller'
import type { Random } from '#kube/process/clock'
import type { Metrics } from '#kube/process/metrics'
import { keyOf } from '#kube/resource'
import type { Change } from '#kube/store'
import { openWorkQueue } from '#kube/workqueue'
import { every } from '../attach/every.ts'
import type { Pod } from '../pods/pod.ts'
import type { HotplugContext } from './hotplug-context.ts'
import { reconcilePod } from './reconcile-pod.ts'

/** First and longest wait between two tries of one pod. */
const BACKOFF = { minMs: 1000, maxMs: 300_000 }
/** All changes of one edit, each delegate with its own limit. */
const DEADLINE_MS = 600_000
/** Pods changed at once: as many as kubelet starts beside them without a wait. */
const WORKERS = 4
/** A look without a cause, for an edit that met a sandbox being made anew. */
const EVERY_MS = 60_000

export interface Hotplug {
  /** Lets a running change end until `graceMs`; what is under way then is in the record. */
  stop(graceMs: number): Promise<void>
}

/** Starts following the node's pods. */
export function startHotplug(context: HotplugContext, options: { readonly random: Random; readonly metrics: Metrics }): Hotplug {
  const { clock, log, pods, snapshot } = context
  const { random, metrics } = options
  const queue = openWorkQueue({ name: 'hotplug', backoff: BACKOFF, clock, random, metrics })
  const unfinished = new Set<string>()
  const stopping = new AbortController()
  const reconcile = async (key: string, signal: AbortSignal): Promise<Outcome> => {
    const pod = pods.list().find((each) => keyOf(each) === key)
    unfinished.add(key)
    const outcome: Outcome = pod === undefined ? { kind: 'done' } : await reconcilePod(context, pod, signal)
    if (outcome.kind === 'done') unfinished.delete(key)
    return outcome
  }
  const controller: Controller = startController({
    name: 'hotplug',
    workers: WORKERS,
    deadlineMs: DEADLINE_MS,
    queue,
    reconcile,
    clock,
    log,
    metrics,
  })
  const unlisten = [
    pods.onChange((change) => {
      if (isWorthALook(change)) queue.add(change.key)
    }),
    snapshot.onChange(() => {
      for (const key of unfinished) queue.add(key)
    }),
  ]
  const work = async (): Promise<void> => {
    for (const pod of pods.list()) queue.add(keyOf(pod))
  }
  const looking = every({ what: 'look at the networks of running pods', ms: EVERY_MS, clock, log, signal: stopping.signal, work })
  return {
    stop: async (graceMs) => {
      for (const forget of unlisten) forget()
      stopping.abort(new Error('the agent is stopping'))
      await Promise.all([controller.stop(graceMs), looking])
    },
  }
}

/** Pods change all the time; most changes are none of ours. */
function isWorthALook(change: Change<Pod>): boolean {
  if (change.kind !== 'updated') return true
  const { previous, current } = change
  const before = previous.metadata.annotations[NETWORKS_KEY]
  return (
    before !== current.metadata.annotations[NETWORKS_KEY] ||
    previous.phase !== current.phase ||
    previous.metadata.uid !== current.metadata.uid
  )
}
