// In-memory Networks for tests: one world, and a record of what the controller wanted.
import type { NodeNetworkObject } from '#api/stream'
import type { Answer } from '../../stream/acks.ts'
import type { NetworkEvent, Networks, NetworkSeen } from './networks.ts'

export interface FakeNetworks extends Networks {
  readonly world: Map<string, NetworkSeen>
  readonly published: Map<string, ReadonlyMap<string, NodeNetworkObject>>
  /** `key node` → answer; confirmed unless set. */
  readonly answers: Map<string, Answer>
  readonly writes: string[]
  readonly events: NetworkEvent[]
  settling: boolean
  /** Another installer replaced the CRD. */
  pruning: boolean
}

export function fakeNetworks(): FakeNetworks {
  const fake: FakeNetworks = {
    world: new Map(),
    published: new Map(),
    answers: new Map(),
    writes: [],
    events: [],
    settling: false,
    pruning: false,
    keys: () => [...fake.world.keys()],
    observe: (key) => fake.world.get(key),
    publish: (key, objects) => void (objects.size === 0 ? fake.published.delete(key) : fake.published.set(key, objects)),
    answer: (key, node) => fake.answers.get(`${key} ${node}`) ?? { kind: 'confirmed' },
    isSettling: () => fake.settling,
    writeStatus: async (key, status) => {
      fake.writes.push(key)
      const seen = fake.world.get(key)
      if (seen === undefined) return 'gone'
      if (fake.pruning) return 'pruned'
      fake.world.set(key, { ...seen, status })
      return 'written'
    },
    tell: (_, event) => void fake.events.push(event),
  }
  return fake
}
