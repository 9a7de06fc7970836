import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fakeClock } from '#kube/process/clock.fake'
import { fakeLog } from '#kube/process/log.fake'
import { systemClock } from '#kube/process/system-clock'
import { becomeSingleWriter } from './single-writer.ts'

const named = (test: string) => ({ name: `/test/${process.pid}/${test}`, log: fakeLog(), clock: systemClock() })

describe('the single writer', () => {
  it('is refused while another lives', async () => {
    const first = await becomeSingleWriter({ ...named('refused'), waitMs: 1000 })
    const clock = fakeClock()
    const second = becomeSingleWriter({ ...named('refused'), clock, waitMs: 1000 })
    const refused = expect(second).rejects.toMatchObject({
      code: 'SandboxBusy',
      message: expect.stringContaining('run one agent per node'),
    })
    await clock.advance(1001)
    await refused
    await first.release()
    await (await becomeSingleWriter({ ...named('refused'), waitMs: 1000 })).release()
  })

  it('takes over at once when the other is killed', async () => {
    const options = named('killed')
    const hold = `require('node:net').createServer().listen('\\0plexus-agent:${options.name}', () => console.log('held'))`
    const other = spawn(process.execPath, ['-e', hold], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(other.stdout, 'data')
    const writer = becomeSingleWriter({ ...options, waitMs: 60_000 })
    other.kill('SIGKILL')
    await (await writer).release()
  })
})
