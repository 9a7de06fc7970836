// Decides how samples become the published table. Pure.

/** The figure at quantile q (0..1) of unsorted samples; NaN without samples. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

/** What one side measured at one concurrency, over all rounds. */
export interface Side {
  readonly add: readonly number[]
  readonly del: readonly number[]
  readonly status: readonly number[]
  /** ADDs per second of each round. */
  readonly rates: readonly number[]
}

/** One row of the table; milliseconds unless the name says otherwise. */
export interface Row {
  readonly networks: number
  readonly concurrency: number
  readonly floor: Figures
  readonly plexus: Figures
  readonly addOverFloorMs: number
  readonly rateOfFloorPercent: number
}

export interface Figures {
  readonly addP50: number
  readonly addP99: number
  readonly addPerSecond: number
  readonly delP50: number
  readonly statusP50: number
  readonly samples: number
}

function figures(side: Side): Figures {
  const round = (value: number): number => Math.round(value * 10) / 10
  return {
    addP50: round(quantile(side.add, 0.5)),
    addP99: round(quantile(side.add, 0.99)),
    addPerSecond: round(quantile(side.rates, 0.5)),
    delP50: round(quantile(side.del, 0.5)),
    statusP50: round(quantile(side.status, 0.5)),
    samples: side.add.length,
  }
}

export function row(what: { readonly networks: number; readonly concurrency: number }, floor: Side, plexus: Side): Row {
  const [f, p] = [figures(floor), figures(plexus)]
  return {
    ...what,
    floor: f,
    plexus: p,
    addOverFloorMs: Math.round((p.addP50 - f.addP50) * 10) / 10,
    rateOfFloorPercent: Math.round((p.addPerSecond / f.addPerSecond) * 100),
  }
}

/** The rows as a Markdown table. */
export function table(rows: readonly Row[]): string {
  const head = [
    '| networks | at a time | side | ADD p50 ms | ADD p99 ms | ADD per s | DEL p50 ms | status on the API server p50 ms | n |',
    '|---|---|---|---|---|---|---|---|---|',
  ]
  const line = (r: Row, name: 'floor' | 'plexus'): string => {
    const f = r[name]
    const more = name === 'plexus' ? ` (+${r.addOverFloorMs})` : ''
    const share = name === 'plexus' ? ` (${r.rateOfFloorPercent} %)` : ''
    return `| ${r.networks} | ${r.concurrency} | ${name} | ${f.addP50}${more} | ${f.addP99} | ${f.addPerSecond}${share} | ${f.delP50} | ${f.statusP50} | ${f.samples} |`
  }
  return [...head, ...rows.flatMap((r) => [line(r, 'floor'), line(r, 'plexus')])].join('\n')
}
