// When a node acknowledges.
import type { Ack } from '#api/stream'
import { fakeClock } from '#kube/process/clock.fake'
import { fakeLog } from '#kube/process/log.fake'
import { startAcks } from './acks.ts'

function open(fail: (tries: number) => boolean = () => false): {
  readonly sent: string[]
  readonly say: (sequence: number | undefined) => void
  readonly clock: ReturnType<typeof fakeClock>
  readonly acks: ReturnType<typeof startAcks>
} {
  const clock = fakeClock()
  const sent: string[] = []
  let current: Ack | undefined
  const acks = startAcks({
    current: () => current,
    send: async (body) => {
      sent.push(body)
      if (fail(sent.length)) throw new Error('refused')
    },
    clock,
    log: fakeLog(),
  })
  const say = (sequence: number | undefined): void => {
    current = sequence === undefined ? undefined : { revision: { epoch: 1, sequence }, rejected: [] }
    acks.changed()
  }
  return { sent, say, clock, acks }
}
const body = (sequence: number): string => JSON.stringify({ revision: { epoch: 1, sequence }, rejected: [] })

describe('acks', () => {
  it('are one for many changes, with the last truth', async () => {
    const { sent, say, clock } = open()
    for (const sequence of [1, 2, 3]) say(sequence)
    await clock.advance(200)
    expect(sent).toEqual([body(3)])
  })

  it('are not repeated when nothing changed, nor sent without anything to say', async () => {
    const { sent, say, clock, acks } = open()
    say(undefined)
    await clock.advance(1000)
    say(1)
    await clock.advance(1000)
    acks.changed()
    await clock.advance(1000)
    expect(sent).toEqual([body(1)])
  })

  it('are sent again after a failure, with what is true then', async () => {
    const { sent, say, clock } = open((tries) => tries === 1)
    say(1)
    await clock.advance(200)
    say(2)
    await clock.advance(5000)
    expect(sent).toEqual([body(1), body(2)])
  })

  it('end with the connection', async () => {
    const { sent, say, clock, acks } = open()
    say(1)
    acks.stop()
    await clock.advance(10_000)
    expect([sent, clock.timers()]).toEqual([[], 0])
  })
})
