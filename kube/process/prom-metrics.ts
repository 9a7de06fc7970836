// Adapter of the Metrics port to prom-client: one registry per process, names prefixed. Decides nothing about what is counted.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { BoundCounter, BoundGauge, BoundHistogram, Instrument, Labels, Metrics, MetricSpec } from './metrics.ts'

/** Opens a registry; `prefix` is put before every name, for example `plexus_`. `process` adds memory, CPU and event-loop figures. */
export function openPromMetrics(options: { readonly prefix: string; readonly process?: boolean }): Metrics {
  const registry = new Registry()
  const common = (spec: MetricSpec) => ({
    name: `${options.prefix}${spec.name}`,
    help: spec.help,
    labelNames: [...(spec.labels ?? [])],
    registers: [registry],
  })
  if (options.process === true) collectDefaultMetrics({ register: registry, prefix: options.prefix })
  return {
    counter: once((spec): Instrument<BoundCounter> => {
      const counter = new Counter(common(spec))
      return bound(
        (labels) => ({ add: (by = 1) => counter.inc(labels, by) }),
        (labels) => counter.remove(labels),
      )
    }),
    gauge: once((spec): Instrument<BoundGauge> => {
      const gauge = new Gauge(common(spec))
      return bound(
        (labels) => {
          const series = gauge.labels(labels)
          return { set: (value) => series.set(value), add: (by) => series.inc(by) }
        },
        (labels) => gauge.remove(labels),
      )
    }),
    histogram: once((spec): Instrument<BoundHistogram> => {
      const histogram = new Histogram({ ...common(spec), ...(spec.buckets === undefined ? {} : { buckets: [...spec.buckets] }) })
      return bound(
        (labels) => {
          const series = histogram.labels(labels)
          return { observe: (value) => series.observe(value) }
        },
        (labels) => histogram.remove(labels),
      )
    }),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

function bound<B>(bind: (labels: Labels) => B, drop: (labels: Labels) => void): Instrument<B> {
  return { with: bind, drop }
}

/** The same name gives the same instrument: several queues or controllers share one with different labels. */
function once<I>(make: (spec: MetricSpec) => I): (spec: MetricSpec) => I {
  const made = new Map<string, I>()
  return (spec) => {
    const known = made.get(spec.name)
    if (known !== undefined) return known
    const fresh = make(spec)
    made.set(spec.name, fresh)
    return fresh
  }
}
