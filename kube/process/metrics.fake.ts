// Metrics for tests: every series is a number that can be read back.
import type { Labels, Metrics, MetricSpec } from './metrics.ts'

export interface FakeMetrics extends Metrics {
  /** Counter total, gauge value or number of observations; 0 for a series never touched. */
  value(name: string, labels?: Labels): number
}

export function fakeMetrics(): FakeMetrics {
  const values = new Map<string, number>()
  const series = (name: string, labels: Labels): string =>
    `${name}${JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => a.localeCompare(b)))}`
  const instrument = (spec: MetricSpec) => ({
    with: (labels: Labels) => {
      const id = series(spec.name, labels)
      const add = (by = 1): void => void values.set(id, (values.get(id) ?? 0) + by)
      return { add, set: (value: number): void => void values.set(id, value), observe: (): void => add() }
    },
    drop: (labels: Labels) => void values.delete(series(spec.name, labels)),
  })
  return {
    counter: instrument,
    gauge: instrument,
    histogram: instrument,
    text: async () => [...values].map(([id, value]) => `${id} ${value}`).join('\n'),
    contentType: 'text/plain',
    value: (name, labels = {}) => values.get(series(name, labels)) ?? 0,
  }
}
