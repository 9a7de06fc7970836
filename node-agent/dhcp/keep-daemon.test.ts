import { fakeClock, type FakeClock } from '#kube/process/clock.fake'
import { fakeLog } from '#kube/process/log.fake'
import { rounds } from '#kube/testing/until'
import { fakeDaemon, type FakeDaemon } from './daemon-process.fake.ts'
import { type DaemonKeeper, keepDaemon } from './keep-daemon.ts'

const signal = new AbortController().signal
let daemon: FakeDaemon
let clock: FakeClock
let keeper: DaemonKeeper
let wanted: boolean
let served: number

const start = async (isWanted: boolean): Promise<void> => {
  wanted = isWanted
  const onServing = (): void => void (served += 1)
  keeper = keepDaemon({ daemon, wanted: () => wanted, onServing, clock, random: () => 0, log: fakeLog() })
  await rounds(5)
}
beforeEach(() => {
  ;[daemon, clock, served] = [fakeDaemon(), fakeClock(), 0]
})
afterEach(() => keeper.stop())

describe('the DHCP daemon', () => {
  it('is not started while nobody wants it, and soon when somebody does', async () => {
    await start(false)
    await clock.advance(300_000)
    expect(daemon.steps).toEqual([])
    wanted = true
    await keeper.serving(signal)
    expect([daemon.steps, served]).toEqual([['remove socket', 'start'], 1])
  })

  it('ends when nobody wants it any more', async () => {
    await start(true)
    await keeper.serving(signal)
    wanted = false
    await clock.advance(60_000)
    expect(daemon.steps).toEqual(['remove socket', 'start', 'end'])
  })

  it('is started again after it died, with waits between', async () => {
    await start(true)
    await keeper.serving(signal)
    daemon.die()
    await rounds(5)
    expect(daemon.steps).toEqual(['remove socket', 'start', 'end'])
    await clock.advance(1000)
    await keeper.serving(signal)
    expect([daemon.steps.slice(3), served]).toEqual([['remove socket', 'start'], 2])
  })

  it('that never listens is ended and tried again', async () => {
    daemon.mute = true
    await start(true)
    await clock.advance(10_000)
    expect([daemon.steps.slice(0, 5), served]).toEqual([['remove socket', 'start', 'end', 'remove socket', 'start'], 0])
  })

  it('of somebody else is left alone, until it is gone', async () => {
    daemon.listening = true
    await start(true)
    await keeper.serving(signal)
    expect([daemon.steps, served]).toEqual([[], 0])
    daemon.listening = false
    await clock.advance(5000)
    expect(daemon.steps).toEqual(['remove socket', 'start'])
  })

  it('is waited for only as long as the caller says', async () => {
    daemon.mute = true
    await start(true)
    const caller = new AbortController()
    const waiting = keeper.serving(caller.signal)
    caller.abort(new Error('too long'))
    await expect(waiting).rejects.toThrow('too long')
  })

  it('ends with the agent', async () => {
    await start(true)
    await keeper.serving(signal)
    await keeper.stop()
    expect(daemon.steps).toEqual(['remove socket', 'start', 'end'])
  })
})
