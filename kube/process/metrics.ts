// Decides how a process counts: one registry, three kinds of instruments with bound labels. Never decides what is worth counting.

/** Label values of one series. */
export type Labels = Readonly<Record<string, string>>

/** What an instrument is called. `name` comes without the registry's prefix; asking twice for one name gives the same instrument. */
export interface MetricSpec {
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
  /** Upper bounds of a histogram, in the unit the name ends with. */
  readonly buckets?: readonly number[]
}

/** One series of a counter: only goes up. */
export interface BoundCounter {
  add(by?: number): void
}

/** One series of a gauge. */
export interface BoundGauge {
  set(value: number): void
  add(by: number): void
}

/** One series of a histogram. */
export interface BoundHistogram {
  observe(value: number): void
}

/** An instrument; `with` binds label values once, so that the hot path allocates nothing. */
export interface Instrument<B> {
  with(labels: Labels): B
  /** Forgets a series, for objects that no longer exist. */
  drop(labels: Labels): void
}

/** The registry of one process. */
export interface Metrics {
  counter(spec: MetricSpec): Instrument<BoundCounter>
  gauge(spec: MetricSpec): Instrument<BoundGauge>
  histogram(spec: MetricSpec): Instrument<BoundHistogram>
  /** The exposition text for a scrape. */
  text(): Promise<string>
  readonly contentType: string
}
