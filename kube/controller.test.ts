import type { ControllerOptions, Outcome } from './controller.ts'
import { startController } from './controller.ts'
import type { FakeClock } from './process/clock.fake.ts'
import { fakeClock } from './process/clock.fake.ts'
import type { FakeLog } from './process/log.fake.ts'
import { fakeLog } from './process/log.fake.ts'
import { fakeMetrics } from './process/metrics.fake.ts'
import type { WorkQueue } from './workqueue.ts'
import { openWorkQueue } from './workqueue.ts'

interface World {
  readonly queue: WorkQueue
  readonly clock: FakeClock
  readonly log: FakeLog
  readonly calls: string[]
  start(reconcile: ControllerOptions['reconcile'], workers?: number): ReturnType<typeof startController>
}

function world(): World {
  const clock = fakeClock()
  const queue = openWorkQueue({ name: 'test', clock, random: () => 1 })
  const log = fakeLog()
  const calls: string[] = []
  return {
    queue,
    clock,
    log,
    calls,
    start: (reconcile, workers = 1) =>
      startController({
        name: 'test',
        queue,
        workers,
        deadlineMs: 1000,
        clock,
        log,
        reconcile: (key, signal) => {
          calls.push(`${key} ${clock.monotonic()}`)
          return reconcile(key, signal)
        },
      }),
  }
}

describe('controller', () => {
  it.each<[string, Outcome, readonly string[]]>([
    ['is finished after done', { kind: 'done' }, ['a 0']],
    [
      'comes back after the time that waiting names',
      { kind: 'waiting', for: 'the node', afterMs: 300 },
      ['a 0', 'a 300', 'a 600', 'a 900'],
    ],
    ['comes back only with a change when waiting names no time', { kind: 'waiting', for: 'the node' }, ['a 0']],
    ['comes back only with a change when it is stuck', { kind: 'stuck', reason: 'Invalid', message: 'write a number' }, ['a 0']],
    [
      'comes back with growing back-off after retry',
      { kind: 'retry', cause: new Error('busy') },
      ['a 0', 'a 5', 'a 15', 'a 35', 'a 75', 'a 155', 'a 315', 'a 635'],
    ],
  ])('a key %s', async (_, outcome, calls) => {
    const made = world()
    made.start(async () => outcome)
    made.queue.add('a')
    await made.clock.advance(1000)
    expect(made.calls).toEqual(calls)
  })

  it('tries again after a thrown error, logs its cause, and starts the back-off over after a success', async () => {
    const made = world()
    let fail = 2
    made.start(async () => {
      fail -= 1
      if (fail >= 0) throw new Error('broken')
      return { kind: 'done' }
    })
    made.queue.add('a')
    await made.clock.advance(100)
    fail = 1
    made.queue.add('a')
    await made.clock.advance(100)
    expect(made.calls).toEqual(['a 0', 'a 5', 'a 15', 'a 100', 'a 105'])
    expect(made.log.messages('warn')).toEqual(Array.from({ length: 3 }, () => 'failed and will be tried again'))
  })

  it('says in the log what a stuck key needs', async () => {
    const made = world()
    made.start(async () => ({ kind: 'stuck', reason: 'Invalid', message: 'write a number' }))
    made.queue.add('a')
    await made.clock.advance(0)
    expect(made.log.lines).toEqual([
      {
        level: 'warn',
        message: 'stuck until something changes',
        fields: { controller: 'test', key: 'a', reason: 'Invalid', problem: 'write a number' },
      },
    ])
  })

  it('aborts a reconcile at its deadline and tries again', async () => {
    const made = world()
    made.start(
      (_, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true })),
    )
    made.queue.add('a')
    await made.clock.advance(1005)
    expect(made.calls).toEqual(['a 0', 'a 1005'])
  })

  it('does not let a reconcile that ignores its deadline hold a worker, nor works on its key twice', async () => {
    const made = world()
    let finish = (): void => undefined
    made.start((key) =>
      key === 'deaf'
        ? new Promise<Outcome>((resolve) => (finish = () => resolve({ kind: 'done' })))
        : Promise.resolve<Outcome>({ kind: 'done' }),
    )
    made.queue.add('deaf')
    made.queue.add('b')
    made.queue.add('deaf')
    await made.clock.advance(11_000)
    expect(made.calls).toEqual(['deaf 0', 'b 11000'])
    expect(made.log.lines.filter(({ fields }) => fields['bug'] === true)).toHaveLength(1)
    made.queue.add('deaf')
    finish()
    await made.clock.advance(0)
    expect(made.calls).toEqual(['deaf 0', 'b 11000', 'deaf 11000'])
  })

  it('works on as many keys at once as it has workers', async () => {
    const made = world()
    const controller = made.start(() => new Promise(() => undefined), 3)
    for (const key of ['a', 'b', 'c', 'd']) made.queue.add(key)
    await made.clock.advance(0)
    expect(made.calls).toHaveLength(3)
    expect(controller.active()).toBe(3)
  })

  it('finishes what is queued when it is stopped', async () => {
    const made = world()
    const controller = made.start(async () => ({ kind: 'done' }))
    made.queue.add('a')
    made.queue.add('b')
    await controller.stop()
    expect(made.calls).toHaveLength(2)
    expect(made.clock.timers()).toBe(0)
  })

  it('aborts what still runs when the grace of a stop is over', async () => {
    const made = world()
    const controller = made.start(
      (_, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true })),
    )
    made.queue.add('a')
    made.queue.add('b')
    await made.clock.advance(0)
    const stopped = controller.stop(200)
    await made.clock.advance(200)
    await stopped
    expect(made.calls).toEqual(['a 0'])
  })

  it('counts outcomes', async () => {
    const clock = fakeClock()
    const metrics = fakeMetrics()
    const queue = openWorkQueue({ name: 'test', clock, random: () => 1 })
    startController({
      name: 'test',
      queue,
      workers: 1,
      deadlineMs: 1000,
      clock,
      log: fakeLog(),
      metrics,
      reconcile: async () => ({ kind: 'done' }),
    })
    queue.add('a')
    await clock.advance(0)
    expect(metrics.value('reconcile_total', { controller: 'test', outcome: 'done' })).toBe(1)
  })
})
