import type { KubeClient } from './client.ts'
import type { LeaderElection } from './leader.ts'
import { openLeaderElection } from './leader.ts'
import { leases } from './lease.ts'
import type { FakeClock } from './process/clock.fake.ts'
import { fakeClock } from './process/clock.fake.ts'
import { fakeLog } from './process/log.fake.ts'
import { connect } from './testing/connect.ts'
import type { FakeApiServer } from './testing/fake-apiserver.ts'
import { openFakeApiServer } from './testing/fake-apiserver.ts'
import { rounds, until } from './testing/until.ts'

interface Replica {
  readonly election: LeaderElection
  readonly clock: FakeClock
  readonly told: string[]
}

const name = { name: 'operator', namespace: 'system' }
let server: FakeApiServer
let clients: KubeClient[]
let replicas: Replica[]

beforeEach(async () => {
  server = await openFakeApiServer({ resources: [leases] })
  clients = []
  replicas = []
})

afterEach(async () => {
  for (const { election, clock } of replicas) {
    const stopped = election.stop()
    await clock.advance(10_000)
    await stopped
  }
  for (const client of clients) await client.close()
  await server.close()
})

/** Each replica has its own clock: wall clocks of two machines never agree. */
function replica(identity: string, wallClock = Date.UTC(2026, 0, 1)): Replica {
  const clock = fakeClock(wallClock)
  const client = connect({ url: server.url, clock })
  const told: string[] = []
  const election = openLeaderElection({
    ...name,
    client,
    identity,
    clock,
    random: () => 0,
    log: fakeLog(),
    onAcquired: (epoch) => told.push(`leads in ${epoch}`),
    onLost: () => told.push('lost'),
  })
  const made = { election, clock, told }
  clients.push(client)
  replicas.push(made)
  return made
}

const spec = (): unknown => server.get(leases, name)?.['spec']

/** Lets time pass at one replica in the steps of its own timers. */
async function pass(made: Replica, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 500) {
    await rounds(10)
    await made.clock.advance(Math.min(500, left))
  }
  await rounds(10)
}

async function leads(made: Replica): Promise<void> {
  made.election.start()
  await until('it leads', () => made.election.isLeader())
}

const epoch2026 = (Date.UTC(2026, 0, 1) - Date.UTC(2020, 0, 1)) / 1000

describe('leader election', () => {
  it('takes a lease that nobody has, and writes times with six digits', async () => {
    const one = replica('one')
    await leads(one)
    expect(spec()).toEqual({
      holderIdentity: 'one',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: epoch2026,
    })
    expect(one.told).toEqual([`leads in ${epoch2026}`])
  })

  it('renews every two seconds with one request, and keeps its epoch', async () => {
    const one = replica('one')
    await leads(one)
    const before = server.requests.length
    await pass(one, 10_000)
    expect(server.requests.slice(before).map(({ method }) => method)).toEqual(['PUT', 'PUT', 'PUT', 'PUT', 'PUT'])
    expect(one.told).toEqual([`leads in ${epoch2026}`])
  })

  it.each([
    ['agree', 0],
    ['differ by an hour', 3_600_000],
    ['differ by an hour the other way', -3_600_000],
  ])('waits while the other renews, and takes over when it stopped, with the next epoch, when the wall clocks %s', async (_, skew) => {
    const one = replica('one')
    const two = replica('two', Date.UTC(2026, 0, 1) + skew)
    await leads(one)
    two.election.start()
    for (let round = 0; round < 15; round += 1) {
      await pass(one, 2000)
      await pass(two, 2000)
    }
    expect(two.told).toEqual([])
    expect(two.election.holder()).toBe('one')
    await pass(two, 14_000)
    expect(two.told).toEqual([])
    await pass(two, 5000)
    expect(two.told).toEqual([`leads in ${epoch2026 + 1}`])
  })

  it('stops leading when it cannot renew for ten seconds, before anybody else may lead', async () => {
    const one = replica('one')
    await leads(one)
    server.fault({ times: 1000 }, { kind: 'stall' })
    await pass(one, 9500)
    expect(one.told).toHaveLength(1)
    await pass(one, 3000)
    expect(one.told).toEqual([`leads in ${epoch2026}`, 'lost'])
    expect(one.election.epoch()).toBeUndefined()
  })

  it('does not believe in itself after being frozen for longer than the lease', async () => {
    const one = replica('one')
    await leads(one)
    one.clock.freeze(14_999)
    expect(one.election.isLeader()).toBe(true)
    one.clock.freeze(1)
    expect(one.election.isLeader()).toBe(false)
    expect(one.election.epoch()).toBeUndefined()
  })

  it('keeps leading through errors that pass', async () => {
    const one = replica('one')
    await leads(one)
    server.fault({ times: 2 }, { kind: 'reset' })
    await pass(one, 8000)
    expect(one.told).toHaveLength(1)
    expect(one.election.isLeader()).toBe(true)
  })

  it('stops leading when somebody else holds the lease', async () => {
    const one = replica('one')
    await leads(one)
    const lease = server.get(leases, name)
    server.put(leases, { ...lease, spec: { holderIdentity: 'thief', leaseDurationSeconds: 15, renewTime: 'x', leaseTransitions: 9 } })
    await pass(one, 3000)
    expect(one.told).toEqual([`leads in ${epoch2026}`, 'lost'])
  })

  it('goes on when somebody else only annotated the lease', async () => {
    const one = replica('one')
    await leads(one)
    const lease = server.get(leases, name)
    server.put(leases, { ...lease, metadata: { ...lease?.metadata, annotations: { note: 'x' } } })
    await pass(one, 3000)
    expect(one.told).toHaveLength(1)
    expect(server.get(leases, name)?.metadata.annotations).toEqual({ note: 'x' })
  })

  it('releases the lease when it is stopped, so that another takes it at once', async () => {
    const one = replica('one')
    const two = replica('two')
    await leads(one)
    await one.election.stop()
    expect(spec()).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 })
    expect(one.told).toEqual([`leads in ${epoch2026}`])
    await leads(two)
    expect(two.told).toEqual([`leads in ${epoch2026 + 1}`])
  })

  it('writes its annotations without waiting for the next renewal, and keeps them', async () => {
    const one = replica('one')
    await leads(one)
    one.election.annotate({ address: '10.0.0.1:9443' })
    await until('the annotation', () => server.get(leases, name)?.metadata.annotations?.['address'] === '10.0.0.1:9443')
    await pass(one, 4000)
    expect(server.get(leases, name)?.metadata.annotations).toEqual({ address: '10.0.0.1:9443' })
  })

  it('starts above every earlier epoch when the lease was deleted', async () => {
    const one = replica('one')
    await leads(one)
    server.objects.delete(leases, name)
    await pass(one, 5000)
    expect(one.told).toEqual([`leads in ${epoch2026}`, 'lost', expect.stringMatching(/^leads in /u)])
    expect(one.election.epoch()).toBeGreaterThan(epoch2026)
  })
})
