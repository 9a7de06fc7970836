// When work runs.
import { fakeClock } from '#kube/process/clock.fake'
import { fakeLog } from '#kube/process/log.fake'
import { rounds } from '#kube/testing/until'
import { startTriggerLoop, type TriggerLoop } from './trigger-loop.ts'

function start(run: (signal: AbortSignal) => Promise<void>): {
  readonly clock: ReturnType<typeof fakeClock>
  readonly log: ReturnType<typeof fakeLog>
  readonly loop: TriggerLoop
} {
  const clock = fakeClock()
  const log = fakeLog()
  return { clock, log, loop: startTriggerLoop({ name: 'work', run, deadlineMs: 1000, settleMs: 200, everyMs: 60_000, clock, log }) }
}

describe('a trigger loop', () => {
  it('runs at once, then after every interval', async () => {
    let runs = 0
    const { clock, loop } = start(async () => {
      runs += 1
    })
    await rounds(2)
    expect(runs).toBe(1)
    await clock.advance(60_200)
    expect(runs).toBe(2)
    await loop.stop()
  })

  it('makes one run of many asks, soon', async () => {
    let runs = 0
    const { clock, loop } = start(async () => {
      runs += 1
    })
    await rounds(2)
    for (let ask = 0; ask < 10; ask += 1) loop.trigger()
    await clock.advance(200)
    expect(runs).toBe(2)
    await clock.advance(30_000)
    expect(runs).toBe(2)
    await loop.stop()
  })

  it('runs again when it was asked during a run, and never twice at once', async () => {
    let runs = 0
    let inside = 0
    let most = 0
    let release = (): void => undefined
    const { clock, loop } = start(async () => {
      runs += 1
      inside += 1
      most = Math.max(most, inside)
      await new Promise<void>((resolve) => {
        release = resolve
      })
      inside -= 1
    })
    await rounds(2)
    loop.trigger()
    await clock.advance(500)
    expect(runs).toBe(1)
    release()
    await clock.advance(200)
    expect([runs, most]).toEqual([2, 1])
    release()
    await loop.stop()
  })

  it('logs a failure and tries again after five seconds', async () => {
    let runs = 0
    const { clock, log, loop } = start(async () => {
      runs += 1
      throw new Error('disk full')
    })
    await clock.advance(5200)
    expect(runs).toBe(2)
    expect(log.messages('error')[0]).toBe('a run failed and is tried again')
    await loop.stop()
  })

  it('tells of a run that hangs, and does not start another beside it', async () => {
    let runs = 0
    const { clock, log, loop } = start(() => {
      runs += 1
      return new Promise<void>(() => undefined)
    })
    await clock.advance(1000)
    expect(log.lines.map(({ fields }) => String(fields['error']))).toEqual([expect.stringContaining('work took longer than 1000 ms')])
    loop.trigger()
    await clock.advance(120_000)
    expect(runs).toBe(1)
    await loop.stop()
  })

  it('stops in the middle of a run and of a wait, and leaves no timer', async () => {
    const stuck = start(() => new Promise<void>(() => undefined))
    await stuck.loop.stop()
    const idle = start(async () => undefined)
    await rounds(2)
    await idle.loop.stop()
    expect([stuck.clock.timers(), idle.clock.timers(), stuck.log.lines.length]).toEqual([0, 0, 0])
  })
})
