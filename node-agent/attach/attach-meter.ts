// Decides what is counted about attachments (spec/operations 2.3). Never measures anything itself.
import { PlexusError, toCniError } from '#api/errors'
import type { Clock } from '#kube/process/clock'
import type { Metrics } from '#kube/process/metrics'

export type Verb = 'ADD' | 'DEL' | 'CHECK' | 'GC'
export type Phase = 'plan' | 'commit' | 'status' | 'del' | 'detached' | 'check' | 'gc'

export interface AttachMeter {
  /** Counts one operation of a runtime; code 0 is success. */
  ended(command: Verb, code: number): void
  /** Observes how long `work` took, and counts its failure. */
  timed<T>(command: Verb, phase: Phase, work: () => Promise<T>): Promise<T>
  deletionsQueued(count: number): void
  corruptFile(): void
  podsMissed(count: number): void
}

const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export function openAttachMeter(metrics: Metrics, clock: Clock): AttachMeter {
  const requests = metrics.counter({
    name: 'cni_requests_total',
    help: 'CNI operations by command and CNI code; 0 is success.',
    labels: ['command', 'code'],
  })
  const seconds = metrics.histogram({
    name: 'cni_request_duration_seconds',
    help: "Time the agent spent in one phase of a runtime's operation.",
    labels: ['command', 'phase'],
    buckets: BUCKETS,
  })
  const queued = metrics.gauge({ name: 'cni_deletions_queued', help: 'Sandboxes whose DEL is still to be finished by the agent.' }).with({})
  const corrupt = metrics
    .counter({ name: 'state_files_corrupt_total', help: 'State files that could not be read and were set aside.' })
    .with({})
  const missed = metrics
    .gauge({ name: 'pods_missed', help: 'Pods that ask for networks and were started without Plexus, as seen at the agent start.' })
    .with({})
  const ended = (command: Verb, code: number): void => requests.with({ command, code: String(code) }).add()
  return {
    ended,
    timed: async (command, phase, work) => {
      const from = clock.monotonic()
      try {
        return await work()
      } catch (error) {
        ended(command, error instanceof PlexusError ? error.cniCode : toCniError(error).code)
        throw error
      } finally {
        seconds.with({ command, phase }).observe((clock.monotonic() - from) / 1000)
      }
    },
    deletionsQueued: (count) => queued.set(count),
    corruptFile: () => corrupt.add(),
    podsMissed: (count) => missed.set(count),
  }
}
