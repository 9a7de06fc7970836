import { fakeLog } from './process/log.fake.ts'
import type { KubeObject } from './resource.ts'
import type { Change, Store } from './store.ts'
import { openStore } from './store.ts'

interface Thing extends KubeObject {
  readonly size: number
  readonly tags: readonly string[]
}

const thing = (
  name: string,
  change: { readonly size?: number; readonly tags?: readonly string[]; readonly version?: string } = {},
): Thing => ({
  metadata: { name, uid: name, resourceVersion: change.version ?? `${name}-${change.size ?? 0}` },
  size: change.size ?? 0,
  tags: change.tags ?? [],
})

function open(): { readonly store: Store<Thing>; readonly told: string[] } {
  const store = openStore<Thing>({ log: fakeLog(), indexes: { tag: ({ tags }) => tags } })
  const told: string[] = []
  store.onChange((change) => told.push(sentence(change)))
  return { store, told }
}

function sentence(change: Change<Thing>): string {
  switch (change.kind) {
    case 'added':
      return `added ${change.key} ${change.current.size}`
    case 'updated':
      return `updated ${change.key} ${change.previous.size} to ${change.current.size}`
    case 'deleted':
      return `deleted ${change.key} ${change.previous.size}`
    default:
      return change satisfies never
  }
}

describe('store', () => {
  it('tells what was added, updated and deleted, with the old and the new object', () => {
    const { store, told } = open()
    store.sink.put(thing('a', { size: 1 }))
    store.sink.put(thing('a', { size: 2 }))
    store.sink.remove('a')
    store.sink.remove('a')
    expect(told).toEqual(['added a 1', 'updated a 1 to 2', 'deleted a 2'])
  })

  it('is silent about an object whose version is known', () => {
    const { store, told } = open()
    store.sink.put(thing('a', { version: '7' }))
    store.sink.put(thing('a', { version: '7' }))
    expect(told).toEqual(['added a 0'])
  })

  it('finds objects by index, also after they changed', () => {
    const { store } = open()
    store.sink.put(thing('a', { tags: ['red', 'blue'], version: '1' }))
    store.sink.put(thing('b', { tags: ['red'], version: '2' }))
    store.sink.put(thing('a', { tags: ['green'], version: '3' }))
    const names = (tag: string): readonly string[] => store.byIndex('tag', tag).map(({ metadata }) => metadata.name)
    expect([names('red'), names('blue'), names('green')]).toEqual([['b'], [], ['a']])
    store.sink.remove('b')
    expect(names('red')).toEqual([])
    expect(() => store.byIndex('colour', 'red')).toThrow('index: "colour" does not exist; there are tag')
  })

  it('shows a full state at once, and tells only the difference', () => {
    const { store, told } = open()
    for (const name of ['same', 'changed', 'gone', 'unreadable']) store.sink.put(thing(name, { size: 1 }))
    told.splice(0)
    const next = store.sink.replacement()
    next.add(thing('same', { size: 1 }))
    next.add(thing('changed', { size: 2 }))
    next.add(thing('new'))
    next.keep('unreadable')
    expect(told).toEqual([])
    next.commit()
    expect(told).toEqual(['deleted gone 1', 'updated changed 1 to 2', 'added new 0'])
    expect(store.size()).toBe(4)
  })

  it('has synced with the first full state, be it empty', async () => {
    const { store } = open()
    const waiting = store.synced(new AbortController().signal)
    expect(store.hasSynced()).toBe(false)
    store.sink.replacement().commit()
    await expect(waiting).resolves.toBeUndefined()
    await expect(store.synced(new AbortController().signal)).resolves.toBeUndefined()
  })

  it('ends a wait for the first full state with its signal', async () => {
    const ending = new AbortController()
    const waiting = open().store.synced(ending.signal)
    ending.abort(new Error('no more time'))
    await expect(waiting).rejects.toThrow('no more time')
  })

  it('changes nothing when transform or an index function throws', () => {
    const store = openStore<Thing>({
      log: fakeLog(),
      transform: (given) => {
        if (given.size > 1) throw new Error('too large')
        return given
      },
    })
    store.sink.put(thing('a', { size: 1 }))
    expect(() => store.sink.put(thing('a', { size: 2 }))).toThrow('too large')
    expect(store.get('a')?.size).toBe(1)
  })

  it('hears no more after unsubscribing', () => {
    const { store } = open()
    const told: string[] = []
    const unsubscribe = store.onChange(({ key }) => told.push(key))
    unsubscribe()
    store.sink.put(thing('a'))
    expect(told).toEqual([])
  })
})
