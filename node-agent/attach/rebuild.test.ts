import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AttachContext } from './attach-context.ts'
import { rebuildLost } from './rebuild.ts'
import type { CachedResult } from './result-cache.ts'
import { openTestContext, sandbox, type TestContext } from './testing/context.ts'
import { fakePrimary, usable } from './testing/ports.fake.ts'

const signal = new AbortController().signal
let directory = ''
let base: TestContext
let context: AttachContext
let cached: CachedResult[]
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rebuild-'))
  base = await openTestContext(directory)
  const network = usable({ cniVersion: '1.0.0', name: 'a', type: 'sec' })
  context = {
    ...base,
    primary: fakePrimary({ name: 'cluster', cniVersion: '1.0.0', plugins: [{ type: 'prim', name: 'cluster', cniVersion: '1.0.0' }] }, [
      '/opt/cni/bin',
    ]),
    lookup: {
      find: async (key) =>
        key === 'shop/a' && network.config !== undefined ? { state: 'usable', config: network.config } : { state: 'missing' },
    },
    unrecorded: { ...base.unrecorded, all: async () => cached },
  }
  cached = [entry()]
  await writeFile(join(directory, 'n1'), '')
})
afterEach(() => rm(directory, { recursive: true }))

const result = { cniVersion: '1.1.0', ips: [{ address: '10.0.0.2/24' }] }

function entry(change: Partial<CachedResult> = {}): CachedResult {
  return {
    containerId: 'c1',
    network: 'plexus',
    ifName: 'eth0',
    netns: join(directory, 'n1'),
    cniArgs: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_UID=uid-1',
    capabilityArgs: { 'io.kubernetes.cri.pod-annotations': { 'k8s.v1.cni.cncf.io/networks': 'a' } },
    config: '{"plugins":[{"type":"plexus"}]}',
    result,
    pod: { namespace: 'shop', name: 'web', uid: 'uid-1' },
    ...change,
  }
}

describe('a lost record', () => {
  it("is made anew from the runtime's cache, with all networks and the primary's result", async () => {
    await rebuildLost(context, signal)
    expect(await context.journal.read('c1')).toMatchObject({
      state: 'attached',
      pod: { namespace: 'shop', name: 'web', uid: 'uid-1' },
      netns: join(directory, 'n1'),
      ifName: 'eth0',
      cniVersion: '1.1.0',
      annotation: 'a',
      attachments: [
        { network: 'cluster', ifName: 'eth0', result },
        { network: 'shop/a', ifName: 'net1' },
      ],
    })
  })

  it('that was corrupt stays aside', async () => {
    await writeFile(join(directory, 'sandboxes/c1.json'), '{"half')
    await context.journal.read('c1')
    await rebuildLost(context, signal)
    expect(await readdir(join(directory, 'sandboxes'))).toEqual(['c1.json', 'c1.json.corrupt'])
  })

  it('keeps its other networks when one is not defined any more', async () => {
    cached = [entry({ capabilityArgs: { 'io.kubernetes.cri.pod-annotations': { 'k8s.v1.cni.cncf.io/networks': 'gone,a' } } })]
    await rebuildLost(context, signal)
    expect((await context.journal.read('c1'))?.attachments).toMatchObject([{ ifName: 'eth0' }, { network: 'shop/a', ifName: 'net2' }])
  })

  it.each<[string, Partial<CachedResult>]>([
    ['its network namespace is gone', { netns: '/nowhere' }],
    ['it was not ours', { config: '{"type":"calico"}' }],
  ])('is not made when %s', async (_, change) => {
    cached = [entry(change)]
    await rebuildLost(context, signal)
    expect(await context.journal.list()).toEqual([])
  })

  it('is never put in the place of one that is there', async () => {
    await context.journal.create(sandbox({ state: 'gone', attachments: [] }))
    await rebuildLost(context, signal)
    expect((await context.journal.read('c1'))?.state).toBe('gone')
  })
})
