import * as fc from 'fast-check'
import type { NodeNetworkObject } from '#api/stream'
import { openAcks } from './acks.ts'
import { type ClientQueue, openClientQueue } from './client-queue.ts'
import { type Entry, type Hub, openHub } from './hub.ts'

const object = (generation: number): NodeNetworkObject => ({ state: 'usable', uid: 'u', generation })
const on = (...nodes: readonly string[]): ReadonlyMap<string, NodeNetworkObject> => new Map(nodes.map((node) => [node, object(1)]))

/** Connects a client that takes lines when told to, and applies them as an agent does. */
function connect(hub: Hub, node: string, maxBytes = 2 ** 20) {
  let queue: ClientQueue | undefined
  const state = { overflow: false, replaced: false }
  const attached = hub.attach(node, {
    offer: (entry: Entry) => {
      if (queue?.offer(entry) === 'overflow') state.overflow = true
    },
    replaced: () => {
      state.replaced = true
    },
  })
  queue = openClientQueue({ snapshot: attached.snapshot, maxBytes, revision: () => hub.revision() })
  const lines: Line[] = []
  const take = (): boolean => {
    const line = queue?.next()
    if (line !== undefined) lines.push(JSON.parse(line))
    return line !== undefined
  }
  return { state, lines, take, drain: (): void => untilFalse(take), held: () => apply(lines), isEmpty: () => queue?.isEmpty() }
}

interface Line {
  readonly type: 'put' | 'delete' | 'synced'
  readonly kind: string
  readonly key: string
  readonly revision: { readonly epoch: number; readonly sequence: number }
  readonly object?: unknown
}

function untilFalse(step: () => boolean): void {
  while (step());
}

function apply(lines: readonly Line[]): Readonly<Record<string, unknown>> {
  const held = new Map<string, unknown>()
  for (const { type, kind, key, object: sent } of lines) {
    if (type === 'put') held.set(`${kind} ${key}`, sent)
    else if (type === 'delete') held.delete(`${kind} ${key}`)
  }
  return Object.fromEntries([...held].toSorted(([a], [b]) => a.localeCompare(b)))
}

function truth(hub: Hub, node: string): Readonly<Record<string, unknown>> {
  const held = hub.held(node).map(({ kind, key, json }) => [`${kind} ${key}`, JSON.parse(json ?? 'null')] as const)
  return Object.fromEntries(held.toSorted(([a], [b]) => a.localeCompare(b)))
}

const node = fc.constantFrom('a', 'b')
const key = fc.constantFrom('x', 'y', 'z')
const step = fc.oneof(
  fc.record({ do: fc.constant('publish' as const), key, nodes: fc.subarray(['a', 'b']), generation: fc.nat(3) }),
  fc.record({ do: fc.constant('broadcast' as const), key, team: fc.option(fc.constantFrom('p', 'q'), { nil: undefined }) }),
  fc.record({ do: fc.constant('put' as const), node, generation: fc.nat(3) }),
  fc.record({ do: fc.constant('take' as const), lines: fc.nat(4) }),
)

describe('the hub', () => {
  it('brings every client to its own state, in ascending revisions, whatever happens in between', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.array(step, { maxLength: 40 }), (before, during) => {
        const hub = openHub(7)
        const run = (steps: typeof before, client?: ReturnType<typeof connect>): void => {
          for (const what of steps) {
            if (what.do === 'publish') hub.publish('network', what.key, new Map(what.nodes.map((name) => [name, object(what.generation)])))
            if (what.do === 'broadcast')
              hub.broadcast('namespace', what.key, what.team === undefined ? undefined : { labels: { team: what.team } })
            if (what.do === 'put') hub.put({ kind: 'network', key: 'own' }, what.node, object(what.generation))
            if (what.do === 'take') for (let line = 0; line < what.lines; line += 1) client?.take()
          }
        }
        run(before)
        const client = connect(hub, 'a')
        run(during, client)
        client.drain()
        expect(client.held()).toEqual(truth(hub, 'a'))
        const sequences = client.lines.filter(({ type }) => type !== 'synced').map(({ revision }) => revision.sequence)
        expect(sequences).toEqual(sequences.toSorted((a, b) => a - b))
        expect(client.lines.filter(({ type }) => type === 'synced')).toHaveLength(1)
        expect(client.lines.every(({ revision }) => revision.epoch === 7 && revision.sequence <= hub.revision().sequence)).toBe(true)
      }),
    )
  })

  it('has everything that existed at the connection before the synced line', () => {
    const hub = openHub(1)
    hub.publish('network', 'x', on('a'))
    hub.publish('network', 'y', on('a'))
    const client = connect(hub, 'a')
    client.take()
    hub.publish('network', 'y', new Map([['a', object(2)]]))
    client.drain()
    expect(client.lines.map(({ type, key: of }) => of ?? type)).toEqual(['x', 'y', 'synced'])
    expect(client.isEmpty()).toBe(true)
  })

  it('keeps the revision of equal objects, and shares one revision among nodes', () => {
    const hub = openHub(1)
    hub.publish('network', 'x', on('a', 'b'))
    hub.publish('network', 'x', on('a', 'b'))
    expect(hub.revision().sequence).toBe(1)
    expect(hub.entry('a', 'network', 'x')).toBe(hub.entry('b', 'network', 'x'))
  })

  it('says a change of a waiting key once', () => {
    const hub = openHub(1)
    const client = connect(hub, 'a')
    client.drain()
    for (const generation of [1, 2, 3]) hub.publish('network', 'x', new Map([['a', object(generation)]]))
    client.drain()
    expect(client.lines.filter(({ type }) => type === 'put')).toHaveLength(1)
    expect(client.held()).toEqual(truth(hub, 'a'))
  })

  it('tells a slow client to start over, but never because of its snapshot', () => {
    const hub = openHub(1)
    for (let index = 0; index < 50; index += 1) hub.publish('network', `s${index}`, on('a'))
    const client = connect(hub, 'a', 2000)
    expect(client.state.overflow).toBe(false)
    for (let index = 0; index < 50; index += 1) hub.publish('network', `n${index}`, on('a'))
    expect(client.state.overflow).toBe(true)
  })

  it('tells the older of two connections of a node that it was replaced', () => {
    const hub = openHub(1)
    const [first, second] = [connect(hub, 'a'), connect(hub, 'a')]
    expect([first.state.replaced, second.state.replaced]).toEqual([true, false])
  })

  it('forgets a node', () => {
    const hub = openHub(1)
    hub.publish('network', 'x', on('a'))
    const client = connect(hub, 'a')
    hub.forget('a')
    expect(client.state.replaced).toBe(true)
    expect(hub.held('a')).toEqual([])
  })
})

describe('acks', () => {
  const setUp = () => {
    const hub = openHub(3)
    const changes: string[] = []
    const acks = openAcks({ hub, onChange: ({ node: of, key: on }) => void changes.push(`${of} ${on}`) })
    hub.publish('network', 'x', on('a', 'b'))
    hub.publish('network', 'y', on('a'))
    return { hub, acks, changes }
  }
  const missing = { kind: 'network', key: 'x', reason: 'PluginMissing', message: 'no macvlan' } as const

  it('confirm what was sent up to their revision', () => {
    const { acks, changes } = setUp()
    expect(acks.accept('a', { revision: { epoch: 3, sequence: 1 }, rejected: [] })).toBe('accepted')
    expect(acks.answer('a', 'network', 'x')).toEqual({ kind: 'confirmed' })
    expect(acks.answer('a', 'network', 'y')).toEqual({ kind: 'waiting' })
    expect(acks.answer('b', 'network', 'x')).toEqual({ kind: 'waiting' })
    expect(changes).toEqual(['a x'])
  })

  it('are the whole truth: a rejection that is not repeated is over', () => {
    const { hub, acks } = setUp()
    acks.accept('a', { revision: hub.revision(), rejected: [missing] })
    expect(acks.answer('a', 'network', 'x')).toEqual({ kind: 'rejected', message: 'no macvlan' })
    acks.accept('a', { revision: hub.revision(), rejected: [] })
    expect(acks.answer('a', 'network', 'x')).toEqual({ kind: 'confirmed' })
  })

  it('do not hold for what changed since', () => {
    const { hub, acks } = setUp()
    acks.accept('a', { revision: hub.revision(), rejected: [] })
    hub.publish('network', 'x', new Map([['a', object(2)]]))
    expect(acks.answer('a', 'network', 'x')).toEqual({ kind: 'waiting' })
  })

  it.each([
    ["of another leader's term", { epoch: 2, sequence: 2 }],
    ['of the future', { epoch: 3, sequence: 99 }],
    ['older than the last one', { epoch: 3, sequence: 0 }],
  ])('%s do not count', (_, revision) => {
    const { acks } = setUp()
    acks.accept('a', { revision: { epoch: 3, sequence: 1 }, rejected: [] })
    expect(acks.accept('a', { revision, rejected: [missing] })).toBe('stale')
    expect(acks.answer('a', 'network', 'x')).toEqual({ kind: 'confirmed' })
  })

  it('of a node that stays away are forgotten', () => {
    const { hub, acks, changes } = setUp()
    acks.accept('a', { revision: hub.revision(), rejected: [] })
    changes.length = 0
    acks.forget('a')
    expect(acks.answer('a', 'network', 'x')).toEqual({ kind: 'waiting' })
    expect(changes.toSorted()).toEqual(['a x', 'a y'])
  })
})
