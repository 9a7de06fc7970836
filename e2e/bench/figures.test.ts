import { quantile, row, table } from './figures.ts'

describe('bench figures', () => {
  it.each([
    [[3, 1, 2], 0.5, 2],
    [[1, 2, 3, 4], 0.99, 4],
    [[7], 0, 7],
    [[10, 9], 0, 9],
  ])('quantile of %j at %d is %d', (samples, q, expected) => {
    expect(quantile(samples, q)).toBe(expected)
  })

  it('a row says what Plexus costs over the floor', () => {
    const side = (ms: number, rate: number) => ({ add: [ms], del: [1], status: [2], rates: [rate] })
    const made = row({ networks: 1, concurrency: 20 }, side(20, 80), side(26.5, 72))
    expect([made.addOverFloorMs, made.rateOfFloorPercent]).toEqual([6.5, 90])
    expect(table([made])).toContain('26.5 (+6.5)')
  })
})
