import { fakeClock } from './clock.fake.ts'
import { collectWhenQuiet } from './quiet-collection.ts'

/** The CPU used in each 10 s, and the collections by then; a collection costs 20 ms itself. */
it.each([
  ['after a start that ended before the first look', [300, 10, 10], [1, 1, 1]],
  ['not while the process works, and once when it stopped', [2000, 900, 10, 10], [0, 0, 1, 1]],
  ['not for the little that an idle process does', [100, 20, 20], [0, 0, 0]],
  ['when little work became enough', [100, 60, 60, 20], [0, 0, 1, 1]],
  ['again after every burst', [300, 3000, 10, 3000, 10], [1, 1, 2, 2, 3]],
])('collects %s', async (_, used, expected) => {
  const clock = fakeClock()
  let cpu = 0
  let collections = 0
  const collect = (): void => {
    collections += 1
    cpu += 20
  }
  collectWhenQuiet({ clock, cpuMs: () => cpu, collect })
  const seen: number[] = []
  for (const ms of used) {
    cpu += ms
    await clock.advance(10_000)
    seen.push(collections)
  }
  expect(seen).toEqual(expected)
})

it('ends when it is told to', async () => {
  const clock = fakeClock()
  const stop = collectWhenQuiet({ clock, cpuMs: () => 1000, collect: () => undefined })
  await clock.advance(10_000)
  stop()
  expect(clock.timers()).toBe(0)
})
