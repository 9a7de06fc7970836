import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SandboxRecord } from '#api/sandbox-record'
import { tryLock } from '../delegates/sandbox-lock.ts'
import type { CachedResult } from '../attach/result-cache.ts'
import { fakePrimary, fakeSnapshot, usable } from '../attach/testing/ports.fake.ts'
import { openTestContext, sandbox, type TestContext } from '../attach/testing/context.ts'
import type { Pod } from '../pods/pod.ts'
import type { Collector } from './collect.ts'
import { openTimedCollection } from './collect-by-time.ts'
import { collectByVerb } from './collect-by-verb.ts'
import { openNetworkTurns } from './network-turns.ts'
import { type FakeRunner, fakeRunner } from './runner.fake.ts'

const signal = new AbortController().signal
let directory = ''
let context: TestContext
let runner: FakeRunner
let collector: Collector
let cached: CachedResult[]
let pods: Pod[]
let namespaces: Map<string, readonly string[]>
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'collect-'))
  const base = await openTestContext(directory)
  const snapshot = fakeSnapshot()
  snapshot.put('shop/a', usable({ cniVersion: '1.1.0', name: 'a', type: 'sec' }))
  cached = []
  pods = []
  namespaces = new Map()
  const turns = openNetworkTurns()
  context = {
    ...base,
    journal: turns.guard(base.journal),
    snapshot,
    netnsDir: join(directory, 'netns'),
    primary: fakePrimary({ name: 'cluster', cniVersion: '1.1.0', plugins: [{ type: 'prim', name: 'cluster', cniVersion: '1.1.0' }] }, []),
    unrecorded: { ...base.unrecorded, all: async () => cached },
    pods: { ...base.pods, list: () => pods },
    netns: {
      read: async (path) => ({ links: (namespaces.get(path) ?? []).map((name) => ({ name, mac: '', addresses: [] })), routes: new Set() }),
    },
  }
  runner = fakeRunner()
  collector = { runner, turns, lockDir: join(directory, 'locks') }
  await mkdir(context.netnsDir)
})
afterEach(() => rm(directory, { recursive: true }))

/** A sandbox on the primary and on network `a`. */
function twice(containerId: string, change: Partial<SandboxRecord> = {}): SandboxRecord {
  const attachment = (name: string, type: string, ifName: string) => ({
    network: name,
    ifName,
    primary: ifName === 'eth0',
    required: true,
    cniArgs: '',
    plugins: [{ type, name, cniVersion: '1.1.0' }],
    timeoutMs: 1000,
  })
  const pod = { namespace: 'shop', name: containerId, uid: `uid-${containerId}` }
  const attachments = [attachment('cluster', 'prim', 'eth0'), attachment('a', 'sec', 'net1')]
  return sandbox({ containerId, pod, netns: join(directory, 'netns', containerId), attachments, ...change })
}

const state = async (containerId: string): Promise<string | undefined> => (await context.journal.read(containerId))?.state

describe('GC as a runtime asks for it', () => {
  const gc = (...valid: readonly string[]): Promise<object> =>
    collectByVerb(context, collector, {
      request: { protocol: 1, valid: valid.map((containerID) => ({ containerID, ifname: 'eth0' })), startedAt: 1000, deadline: 2000 },
      signal,
    })

  it('detaches exactly what the runtime does not know, then asks each network once with its own list', async () => {
    await context.journal.create(twice('c1'))
    await context.journal.create(twice('c2'))
    await context.journal.create(twice('c3'))
    expect(await gc('c1', 'c3')).toEqual({})
    expect(runner.calls).toEqual(['DEL sec net1', 'DEL prim eth0', 'GC prim cluster c1/eth0,c3/eth0', 'GC sec a c1/net1,c3/net1'])
    expect([await state('c1'), await state('c2'), await state('c3')]).toEqual(['attached', 'gone', 'attached'])
  })

  it('finds nothing more the second time', async () => {
    await context.journal.create(twice('c2'))
    await gc()
    runner.calls.length = 0
    await gc()
    expect(runner.calls).toEqual(['GC prim cluster ', 'GC sec a '])
  })

  it('does not judge what changed after the list was made, nor an ADD under way', async () => {
    await context.journal.create(twice('new', { changedAt: 1001 }))
    await context.journal.create(twice('planned', { state: 'planned' }))
    await gc()
    expect(runner.calls).toEqual(['GC prim cluster new/eth0,planned/eth0', 'GC sec a new/net1,planned/net1'])
  })

  it('keeps what older sandboxes have, by the caches, else by what the runtime says', async () => {
    const entry = { netns: '', cniArgs: '', capabilityArgs: {}, config: '{"type":"sec"}', pod: { namespace: '', name: '', uid: '' } }
    cached = [{ ...entry, containerId: 'multus', network: 'a', ifName: 'net7' }]
    await gc('multus', 'older')
    expect(runner.calls).toEqual(['GC prim cluster older/eth0', 'GC sec a multus/net7,older/eth0'])
  })

  it("goes on after errors, tells all of them with the first plugin's code, and keeps what failed for the retry", async () => {
    await context.journal.create(twice('c2'))
    runner.broken.set('sec', { plugin: 'sec', code: 103, msg: 'busy' })
    await expect(gc()).rejects.toMatchObject({
      cniCode: 103,
      message: 'GC: sandbox c2: sec: busy / network "a": plugin sec: busy; what is left is tried again',
    })
    expect(runner.calls).toEqual(['DEL sec net1', 'DEL prim eth0', 'GC prim cluster ', 'GC sec a c2/net1'])
    expect([await state('c2'), context.looks.at(-1)]).toEqual(['deleting', 'c2 retry'])
  })

  it('leaves a sandbox alone while somebody works on it', async () => {
    await context.journal.create(twice('c2'))
    const shim = await tryLock(join(directory, 'locks/c2'))
    await expect(gc()).rejects.toThrow('sandbox c2: somebody works on it')
    await shim?.release()
  })
})

describe("the agent's own collection", () => {
  /** What was executed at each look, a minute apart. */
  async function looks(count: number, before: (look: number) => unknown = () => undefined): Promise<readonly number[]> {
    const collection = openTimedCollection(context, collector)
    const calls: number[] = []
    for (let look = 0; look < count; look += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await before(look)
      // oxlint-disable-next-line no-await-in-loop
      await collection.look(signal)
      calls.push(runner.calls.splice(0).length)
      // oxlint-disable-next-line no-await-in-loop
      await context.clock.advance(60_000)
    }
    return calls
  }

  const running = (name: string): Pod => ({
    metadata: { namespace: 'shop', name, uid: `uid-${name}`, resourceVersion: '', labels: {}, annotations: {} },
    hostNetwork: false,
    hasNetworkStatus: true,
    phase: 'Running',
    deleting: false,
  })

  it('needs two looks a minute apart, then comes back every ten minutes', async () => {
    await context.journal.create(twice('c1'))
    pods = [running('c1')]
    expect(await looks(13)).toEqual([0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0])
  })

  it('passes what lives as valid', async () => {
    await context.journal.create(twice('c1'))
    const collection = openTimedCollection(context, collector)
    await collection.look(signal)
    await context.clock.advance(60_000)
    await collection.look(signal)
    expect(runner.calls).toEqual(['GC prim cluster c1/eth0', 'GC sec a c1/net1'])
  })

  it.each<[string, () => unknown]>([
    ['a running pod has no known sandbox', () => (pods = [running('unknown')])],
    [
      'the runtime remembers an ADD of ours that has no record',
      () =>
        (cached = [
          {
            containerId: 'lost',
            network: 'plexus',
            ifName: 'eth0',
            netns: '',
            cniArgs: '',
            capabilityArgs: {},
            config: '{"plugins":[{"type":"plexus"}]}',
            pod: { namespace: '', name: '', uid: '' },
          },
        ]),
    ],
    [
      'a network namespace with an interface belongs to nobody',
      async () => {
        await writeFile(join(context.netnsDir, 'cni-x'), '')
        namespaces.set(join(context.netnsDir, 'cni-x'), ['lo', 'eth0'])
      },
    ],
    [
      'the pods of the node are not known',
      () => (context = { ...context, pods: { ...context.pods, synced: () => Promise.reject(new Error('away')) } }),
    ],
  ])('never happens while %s', async (_, make) => {
    await make()
    expect(await looks(4)).toEqual([0, 0, 0, 0])
  })

  it('is not kept from by a namespace with nothing but a loopback, hostNetwork pods and finished pods', async () => {
    await writeFile(join(context.netnsDir, 'cni-x'), '')
    namespaces.set(join(context.netnsDir, 'cni-x'), ['lo'])
    pods = [
      { ...running('host'), hostNetwork: true },
      { ...running('done'), phase: 'Succeeded' },
    ]
    expect(await looks(2)).toEqual([0, 2])
  })

  it('starts anew when the second look has no proof', async () => {
    expect(await looks(5, (look) => (pods = look === 1 ? [running('unknown')] : []))).toEqual([0, 0, 0, 2, 0])
  })
})
