import { holds, waitFor } from './wait-for.ts'

describe('waitFor', () => {
  it('answers what the probe found', async () => {
    let looks = 0
    const found = await waitFor(
      'the third look',
      async () => ((looks += 1) === 3 ? { done: true, value: looks } : { done: false, seen: `${looks}` }),
      {
        deadline: 5_000,
        every: 1,
      },
    )
    expect(found).toBe(3)
  })

  it('says what was awaited and what was last seen', async () => {
    const waiting = waitFor('node-2 is Ready', async () => holds(false, 'node-2=False'), { deadline: 30, every: 1 })
    await expect(waiting).rejects.toThrow(/^waited for: node-2 is Ready; not within 0 s; last seen: node-2=False$/)
  })

  it('takes a probe that throws for not yet, and its reason for what was seen', async () => {
    const failing = async () => {
      throw new Error('connection refused')
    }
    await expect(waitFor('an answer', failing, { deadline: 30, every: 1 })).rejects.toThrow('last seen: connection refused')
  })

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort()
    await expect(waitFor('nothing', async () => holds(false, ''), { deadline: 60_000, signal })).rejects.toThrow('stopped from outside')
  })
})
