import { array, assert, constantFrom, nat, property, tuple } from 'fast-check'
import type { Cache } from './cache.ts'
import { openLruCache, openTlruCache } from './cache.ts'
import { fakeClock } from './clock.fake.ts'

/** What an LRU cache is, in its simplest form. */
function openModel(max: number): Pick<Cache<number>, 'get' | 'set' | 'delete' | 'size'> {
  const entries = new Map<string, number>()
  return {
    get: (key) => {
      const value = entries.get(key)
      if (value !== undefined) {
        entries.delete(key)
        entries.set(key, value)
      }
      return value
    },
    set: (key, value) => {
      entries.delete(key)
      const oldest = entries.keys().next()
      if (entries.size >= max && oldest.done !== true) entries.delete(oldest.value)
      entries.set(key, value)
    },
    delete: (key) => entries.delete(key),
    size: () => entries.size,
  }
}

describe.each([
  ['LRU', (max: number) => openLruCache<number>({ max })],
  ['TLRU', (max: number) => openTlruCache<number>({ max, ttlMs: 60_000, clock: fakeClock() })],
])('%s cache', (_, open) => {
  it('behaves like its model, whatever is done to it', () => {
    const step = tuple(constantFrom('get', 'set', 'delete'), constantFrom('a', 'b', 'c', 'd'), nat(9))
    assert(
      property(nat(3), array(step, { maxLength: 60 }), (more, steps) => {
        const cache = open(more + 1)
        const model = openModel(more + 1)
        for (const [verb, key, value] of steps) {
          if (verb === 'set') {
            cache.set(key, value)
            model.set(key, value)
          } else expect(verb === 'get' ? cache.get(key) : cache.delete(key)).toBe(verb === 'get' ? model.get(key) : model.delete(key))
          expect(cache.size()).toBe(model.size())
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('keeps the new value of a key when it is full of that key', () => {
    const cache = open(1)
    cache.set('a', 1)
    cache.set('a', 2)
    expect(cache.get('a')).toBe(2)
  })

  it('loads once for callers that ask at the same time, and keeps the value', async () => {
    const cache = open(4)
    let loads = 0
    const load = async (): Promise<number> => {
      loads += 1
      return 7
    }
    await expect(Promise.all([cache.getOrLoad('a', load), cache.getOrLoad('a', load), cache.getOrLoad('a', load)])).resolves.toEqual([
      7, 7, 7,
    ])
    await cache.getOrLoad('a', load)
    expect(loads).toBe(1)
  })

  it('does not keep a failed load', async () => {
    const cache = open(4)
    await expect(cache.getOrLoad('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away')
    await expect(cache.getOrLoad('a', async () => 7)).resolves.toBe(7)
  })

  it.each<[string, (cache: Cache<number>) => void, number | undefined]>([
    ['set', (cache) => cache.set('a', 9), 9],
    ['deleted', (cache) => cache.delete('a'), undefined],
    ['cleared', (cache) => cache.clear(), undefined],
  ])('does not bring back an old value when the key was %s during the load', async (_verb, change, expected) => {
    const cache = open(4)
    let finish = (_value: number): void => undefined
    const loading = cache.getOrLoad('a', () => new Promise((resolve) => (finish = resolve)))
    change(cache)
    finish(1)
    await expect(loading).resolves.toBe(1)
    expect(cache.get('a')).toBe(expected)
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses a bound of %d', (max) => {
    expect(() => open(max)).toThrow('is not a whole number above 0')
  })
})

describe('TLRU cache, as time passes', () => {
  it('ends an entry after its time, however often it was read', async () => {
    const clock = fakeClock()
    const cache = openTlruCache<number>({ max: 4, ttlMs: 1000, clock })
    cache.set('a', 1)
    await clock.advance(999)
    expect(cache.get('a')).toBe(1)
    await clock.advance(1)
    expect(cache.get('a')).toBeUndefined()
    expect(cache.size()).toBe(0)
  })

  it('refuses a bound above 1024', () => {
    expect(() => openTlruCache({ max: 1025, ttlMs: 1, clock: fakeClock() })).toThrow('max: 1025 is above 1024')
  })
})
