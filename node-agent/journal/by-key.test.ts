import { openByKey } from './by-key.ts'

/** Work that ends when told to, and says when it began. */
function gated(seen: string[], name: string): { readonly work: () => Promise<string>; readonly end: (error?: Error) => void } {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const work = (): Promise<string> => {
    seen.push(name)
    return promise
  }
  return { work, end: (error) => (error === undefined ? resolve(name) : reject(error)) }
}

describe('work by key', () => {
  it('never overlaps for one key and never waits for another', async () => {
    const seen: string[] = []
    const keys = openByKey()
    const [first, second, other] = [gated(seen, 'first'), gated(seen, 'second'), gated(seen, 'other')]
    const runs = [keys.run('a', first.work), keys.run('a', second.work), keys.run('b', other.work)]
    expect(seen).toEqual(['first', 'other'])
    other.end()
    first.end()
    await runs[0]
    second.end()
    expect(await Promise.all(runs)).toEqual(['first', 'second', 'other'])
    expect(seen).toEqual(['first', 'other', 'second'])
  })

  it('goes on after a failure, which is told to its own caller only', async () => {
    const keys = openByKey()
    const failing = keys.run('a', () => Promise.reject(new Error('mine')))
    const next = keys.run('a', async () => 'done')
    await expect(failing).rejects.toThrow('mine')
    expect(await next).toBe('done')
  })
})
