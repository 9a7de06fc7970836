// Decides which figures a work queue shows: depth, additions, retries and how long keys waited. Counts, never changes the queue.
import type { Metrics } from './process/metrics.ts'

export interface QueueMeter {
  added(depth: number): void
  taken(depth: number, waitedSeconds: number): void
  retried(): void
}

/** Opens the series of one queue; without a registry nothing is counted. */
export function openQueueMeter(queue: string, metrics: Metrics | undefined): QueueMeter {
  if (metrics === undefined) return { added: () => undefined, taken: () => undefined, retried: () => undefined }
  const labels = ['queue']
  const depth = metrics.gauge({ name: 'workqueue_depth', help: 'Keys waiting for a worker.', labels }).with({ queue })
  const adds = metrics.counter({ name: 'workqueue_adds_total', help: 'Keys added, without those already waiting.', labels }).with({ queue })
  const retries = metrics.counter({ name: 'workqueue_retries_total', help: 'Keys added with back-off.', labels }).with({ queue })
  const buckets = [0.001, 0.01, 0.1, 1, 10, 60]
  const wait = metrics
    .histogram({ name: 'workqueue_wait_seconds', help: 'How long a key waited for a worker.', labels, buckets })
    .with({ queue })
  return {
    added: (size) => {
      adds.add()
      depth.set(size)
    },
    taken: (size, waitedSeconds) => {
      depth.set(size)
      wait.observe(waitedSeconds)
    },
    retried: () => retries.add(),
  }
}
