import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseNetworkKey } from '#api/ids'
import type { NodeNetworkObject } from '#api/stream'
import { KubeError } from '#kube/kube-error'
import { fakeClock, type FakeClock } from '#kube/process/clock.fake'
import { fakeLog } from '#kube/process/log.fake'
import type { ObjectName, Resource } from '#kube/resource'
import { type NetworkLookup, openNetworkLookup } from './network-lookup.ts'
import { fakeSnapshot, type FakeSnapshot, usable } from './testing/ports.fake.ts'
import type { LookedUp } from './plan-attachments.ts'

const signal = new AbortController().signal
const found = usable({ cniVersion: '1.0.0', name: 'a', type: 'macvlan' })
let directory = ''
let clock: FakeClock
let snapshot: FakeSnapshot
let gets: string[]
/** What the API server says: the NAD's spec.config, nothing, or an error. */
let nad: string | undefined | Error

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lookup-'))
  clock = fakeClock()
  snapshot = fakeSnapshot()
  gets = []
  nad = undefined
})
afterEach(() => rm(directory, { recursive: true }))

function lookup(): NetworkLookup {
  const get = async <T>(resource: Resource<T>, { namespace, name }: ObjectName): Promise<T | undefined> => {
    gets.push(`${namespace}/${name}`)
    if (nad instanceof Error) throw nad
    return nad === undefined ? undefined : resource.parse({ metadata: { namespace, name, uid: 'u' }, spec: { config: nad } })
  }
  const facts = async () => ({ node: { name: 'node-a', labels: { uplink: 'ens1' }, annotations: {} }, profileParameters: {} })
  return openNetworkLookup({ snapshot, client: { get }, clock, log: fakeLog(), facts, confDirs: () => [directory] })
}

async function find(text = 'shop/a', waitMs = 0): Promise<LookedUp> {
  const key = parseNetworkKey(text)
  if (key === undefined) throw new Error(text)
  const answer = lookup().find(key, signal)
  await clock.advance(waitMs)
  return answer
}
const unreachable = (): Error =>
  new KubeError({ status: 0, reason: 'Unreachable', message: 'refused', causes: [], retryAfterMs: undefined })

describe('a network', () => {
  it('is taken from the pushed cache without a call', async () => {
    snapshot.put('shop/a', found)
    expect([await find(), gets]).toEqual([{ state: 'usable', config: found.config }, []])
  })

  it('is waited for while the stream is alive', async () => {
    const waiting = find()
    snapshot.put('shop/a', found)
    expect([(await waiting).state, gets, clock.timers()]).toEqual(['usable', [], 0])
  })

  it('is read once from the API server when the stream does not bring it in a second', async () => {
    nad = '{"cniVersion":"1.0.0","type":"macvlan","master":"${node.labels[\'uplink\']}"}'
    expect(await find('shop/a', 1001)).toMatchObject({ state: 'usable', config: { name: 'a', plugins: [{ conf: { master: 'ens1' } }] } })
    expect(gets).toEqual(['shop/a'])
  })

  it('is missing at once for who does not wait, by the word of a live stream', async () => {
    const key = parseNetworkKey('shop/a')
    if (key === undefined) throw new Error('key')
    expect([await lookup().find(key, signal, { wait: false }), gets]).toEqual([{ state: 'missing' }, []])
  })

  it('is missing when the API server says so', async () => {
    expect(await find('shop/a', 1001)).toEqual({ state: 'missing' })
  })

  it.each<[string, string, RegExp]>([
    ['JSON that is broken', '{"type":', /spec.config: .*not valid JSON/],
    ['a path as type', '{"type":"../sh"}', /spec.config.type: "..\/sh" is not a plugin name/],
    ['a placeholder that this node lacks', '{"type":"macvlan","master":"${node.labels[\'nic\']}"}', /node-a has no node.labels\['nic'\]/],
  ])('is rejected for %s', async (_, text, message) => {
    nad = text
    expect(await find('shop/a', 1001)).toMatchObject({ state: 'rejected', message: expect.stringMatching(message) })
  })

  it('is unknown when nobody answers', async () => {
    nad = unreachable()
    expect(await find('shop/a', 1001)).toMatchObject({ state: 'unknown', message: expect.stringContaining('did not answer') })
  })
})

describe('after thirty seconds of silence', () => {
  beforeEach(() => {
    snapshot.silence(30_001)
    snapshot.put('shop/a', found)
  })

  it('the API server is asked, so that a revoked network is not used', async () => {
    expect([await find(), gets]).toEqual([{ state: 'missing' }, ['shop/a']])
  })

  it('an edit is seen', async () => {
    nad = '{"cniVersion":"1.0.0","type":"ipvlan"}'
    expect(await find()).toMatchObject({ state: 'usable', config: { plugins: [{ type: 'ipvlan' }] } })
  })

  it('the cache serves when the API server does not answer', async () => {
    nad = unreachable()
    expect(await find()).toEqual({ state: 'usable', config: found.config })
  })

  it('pods that start together share one read', async () => {
    nad = '{"type":"ipvlan"}'
    const shared = lookup()
    const key = parseNetworkKey('shop/a')
    if (key === undefined) throw new Error('key')
    await Promise.all([shared.find(key, signal), shared.find(key, signal)])
    expect(gets).toEqual(['shop/a'])
  })
})

describe('a network with an empty spec', () => {
  const empty: NodeNetworkObject = { state: 'usable', uid: 'u', generation: 1 }
  beforeEach(() => snapshot.put('shop/a', empty))

  it("is the node's own conf of that name, whatever the file is called", async () => {
    await writeFile(join(directory, '10-other.conf'), '{"name":"b","type":"bridge"}')
    await writeFile(join(directory, '20-broken.conf'), '{')
    await writeFile(join(directory, '30-x.conflist'), '{"cniVersion":"1.0.0","name":"a","plugins":[{"type":"vlan"}]}')
    await mkdir(join(directory, 'a'))
    await writeFile(join(directory, 'a', '1.conf'), '{"type":"tuning"}')
    expect(await find()).toMatchObject({ state: 'usable', config: { plugins: [{ type: 'vlan' }, { type: 'tuning' }] } })
  })

  it('is rejected with what to do when there is none', async () => {
    expect(await find()).toMatchObject({
      state: 'rejected',
      message: `spec.config: is empty and no conf in ${directory} is named "a"; write spec.config or add the file`,
    })
  })
})
