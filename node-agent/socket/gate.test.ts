import { openGate } from './gate.ts'

const never = new AbortController().signal

describe('the gate', () => {
  it('lets so many in at once and the others in their order', async () => {
    const gate = openGate({ atOnce: 2, longestLine: 10 })
    const ends: (() => void)[] = []
    const order: number[] = []
    const work = (number: number) => async (): Promise<void> => {
      order.push(number)
      await new Promise<void>((resolve) => void ends.push(resolve))
    }
    const runs = [1, 2, 3, 4].map((number) => gate.pass(work(number), never))
    await Promise.resolve()
    expect({ order: [...order], waiting: gate.waiting() }).toEqual({ order: [1, 2], waiting: 2 })
    for (let done = 0; done < 4; done += 1) {
      ends[done]?.()
      // oxlint-disable-next-line no-await-in-loop
      await runs[done]
      // oxlint-disable-next-line no-await-in-loop
      await Promise.resolve()
    }
    expect(order).toEqual([1, 2, 3, 4])
  })

  it('tells those that find the line full to come again', async () => {
    const gate = openGate({ atOnce: 1, longestLine: 0 })
    const { promise, resolve } = Promise.withResolvers<void>()
    const first = gate.pass(() => promise, never)
    await expect(gate.pass(async () => undefined, never)).rejects.toMatchObject({ code: 'TryAgainLater' })
    resolve()
    await first
    await gate.pass(async () => undefined, never)
  })

  it('forgets who gave up waiting, and lets the next in after a failure', async () => {
    const gate = openGate({ atOnce: 1, longestLine: 5 })
    const { promise, reject } = Promise.withResolvers<void>()
    const failing = gate.pass(() => promise, never)
    const leaving = new AbortController()
    const gone = gate.pass(async () => 'gone', leaving.signal)
    const staying = gate.pass(async () => 'stayed', never)
    leaving.abort(new Error('left'))
    await expect(gone).rejects.toThrow('left')
    reject(new Error('broken'))
    await expect(failing).rejects.toThrow('broken')
    expect(await staying).toBe('stayed')
  })
})
