import { existsSync } from 'node:fs'
import { access, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '#kube/testing/until'
import { pods } from '../pods/pod.ts'
import { add, apiCalls, BOTH, commitOf, detachedOf, gone, openShimWorld, WANTS_A } from './testing/shim-calls.ts'
import { operation, type World } from './testing/world.ts'

let world: World
beforeEach(async () => void (world = await openShimWorld()))
afterEach(() => world.close())

describe('a DEL', () => {
  it('gets what was attached, with its results, and ends in a tombstone', async () => {
    await world.start()
    await add(world, 'c1')
    const answer = await world.post('/v1/del', operation('c1'))
    expect(answer.body).toMatchObject({
      attachments: [{ network: 'cluster' }, { network: 'default/a', result: { ips: [{ address: '10.2.0.2/24' }] } }],
    })
    await world.post('/v1/detached', detachedOf('c1'))
    expect((await world.record('c1')).state).toBe('gone')
    expect((await world.post('/v1/del', operation('c1'))).body).toMatchObject({ attachments: [] })
  })

  it('that left something is finished by the agent', async () => {
    await world.start()
    await add(world, 'c1')
    await world.post('/v1/del', operation('c1'))
    const error = { plugin: 'sec', code: 100, msg: 'busy' }
    await world.post('/v1/detached', {
      ...detachedOf('c1'),
      outcomes: [
        { network: 'cluster', ifName: 'eth0' },
        { network: 'default/a', ifName: 'net1', error },
      ],
    })
    expect(await world.record('c1')).toMatchObject({ state: 'deleting', lastError: 'sec: busy', attachments: [{ network: 'default/a' }] })
    await gone(world, 'c1')
    expect(await world.calls()).toEqual(['DEL sec net1 '])
  })

  it('of a sandbox older than Plexus runs what libcni cached', async () => {
    await world.start()
    const config = Buffer.from(JSON.stringify({ cniVersion: '1.0.0', name: 'older', plugins: [{ type: 'older-cni' }] })).toString('base64')
    const cached = {
      kind: 'cniCacheV1',
      containerId: 'c9',
      config,
      ifName: 'eth0',
      networkName: 'older',
      cniArgs: [['K', 'V']],
      capabilityArgs: null,
      result: { cniVersion: '1.0.0' },
    }
    await writeFile(join(world.directory, 'results/older-c9-eth0'), JSON.stringify(cached))
    const own = {
      ...cached,
      networkName: 'plexus',
      config: Buffer.from('{"name":"plexus","plugins":[{"type":"plexus"}]}').toString('base64'),
    }
    await writeFile(join(world.directory, 'results/plexus-c9-eth0'), JSON.stringify(own))
    const answer = await world.post('/v1/del', operation('c9'))
    expect(answer).toMatchObject({
      status: 200,
      body: { attachments: [{ network: 'older', ifName: 'eth0', primary: true, cniArgs: 'K=V', plugins: [{ type: 'older-cni' }] }] },
    })
    expect(answer.body['attachments']).toHaveLength(1)
  })

  it('is the same ten times, and the tombstone has nothing left', async () => {
    await world.start()
    await add(world, 'c1')
    const again = (): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> => world.post('/v1/del', operation('c1'))
    const before = await Promise.all(Array.from({ length: 5 }, again))
    await world.post('/v1/detached', detachedOf('c1'))
    const after = await Promise.all(Array.from({ length: 5 }, again))
    expect(
      [...before, ...after].map(({ status, body }) => [status, Array.isArray(body['attachments']) && body['attachments'].length]),
    ).toEqual([...Array.from({ length: 5 }, () => [200, 2]), ...Array.from({ length: 5 }, () => [200, 0])])
  })

  it('of a lost record whose network was deleted still detaches the others', async () => {
    await world.start()
    const wants = { annotations: { 'k8s.v1.cni.cncf.io/networks': 'missing,a' } }
    expect((await world.post('/v1/del', operation('c1', wants))).body).toMatchObject({
      attachments: [
        { network: 'cluster', ifName: 'eth0' },
        { network: 'default/a', ifName: 'net2' },
      ],
    })
  })

  it('of an unknown sandbox runs what an ADD would attach now, and a lost record is no error', async () => {
    await world.start()
    await add(world, 'c1')
    await writeFile(join(world.directory, 'state/sandboxes/c1.json'), '{"half":')
    expect(await world.post('/v1/del', operation('c1', WANTS_A))).toMatchObject({
      status: 200,
      body: { attachments: [{ network: 'cluster' }, { network: 'default/a' }] },
    })
    expect(await readdir(join(world.directory, 'state/sandboxes'))).toEqual(expect.arrayContaining(['c1.json', 'c1.json.corrupt']))
  })
})

describe('an agent that was killed', () => {
  it('after the plan: undoes it when its shim is gone', async () => {
    await world.start()
    await world.post('/v1/plan', operation('c1', WANTS_A))
    await world.start()
    await gone(world, 'c1')
    expect(await world.calls()).toEqual(['DEL sec net1 ', 'DEL prim eth0 '])
  })

  it('after the commit: keeps the sandbox and serves its DEL', async () => {
    await world.start()
    await add(world, 'c1')
    const next = await world.start()
    expect(next.counts().attached).toBe(1)
    expect((await world.post('/v1/del', operation('c1'))).body).toMatchObject({
      attachments: [{ network: 'cluster' }, { network: 'default/a' }],
    })
  })

  it('takes over what shims spooled meanwhile', async () => {
    const attach = await world.start()
    await add(world, 'c1')
    await add(world, 'c2')
    await attach.stop()
    const entry = { version: 1, ifName: 'eth0', netns: '', cniArgs: '' }
    const done = { ...entry, containerId: 'c1', executed: true, outcomes: BOTH.map(([network, ifName]) => ({ network, ifName })) }
    const open = { ...entry, containerId: 'c2', executed: false, outcomes: [] }
    const spool = join(world.directory, 'state/spool')
    await Promise.all([done, open].map((one) => writeFile(join(spool, `${one.containerId}-1.json`), JSON.stringify(one))))
    await writeFile(join(spool, 'broken-1.json'), '{')
    await world.start()
    await Promise.all([gone(world, 'c1'), gone(world, 'c2')])
    expect([await readdir(spool), await world.calls()]).toEqual([['broken-1.json.corrupt'], ['DEL sec net1 ', 'DEL prim eth0 ']])
  })

  it('finds the networks of a spooled DEL without a record by its annotations', async () => {
    const attach = await world.start()
    await attach.stop()
    const cniArgs = 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=web;K8S_POD_UID=uid-1'
    const runtimeConfig = { 'io.kubernetes.cri.pod-annotations': WANTS_A.annotations }
    const entry = { version: 1, containerId: 'c3', ifName: 'eth0', netns: '', cniArgs, executed: false, outcomes: [], runtimeConfig }
    await writeFile(join(world.directory, 'state/spool/c3-1.json'), JSON.stringify(entry))
    await world.start()
    await until('the entry is taken over', () => existsSync(join(world.directory, 'state/sandboxes/c3.json')))
    await gone(world, 'c3')
    expect(await world.calls()).toEqual(['DEL sec net1 ', 'DEL prim eth0 '])
  })

  it('collects as a runtime asks for it, over the socket', async () => {
    await world.start()
    await add(world, 'c1')
    await add(world, 'c2')
    const valid = [{ containerID: 'c1', ifname: 'eth0' }]
    const now = Math.floor(performance.now()) + 1_000_000
    expect(await world.post('/v1/gc', { protocol: 1, valid, startedAt: now + 1, deadline: now + 10_000 })).toEqual({
      status: 200,
      body: {},
    })
    expect([(await world.record('c1')).state, (await world.record('c2')).state]).toEqual(['attached', 'gone'])
    expect(await world.post('/v1/gc', { protocol: 1, startedAt: now, deadline: now })).toMatchObject({ status: 400 })
  })

  it('adopts what a shim attached alone, and writes its status', async () => {
    const attach = await world.start()
    await world.post('/v1/plan', operation('c1'))
    await world.post('/v1/commit', commitOf('c1', BOTH.slice(0, 1)))
    await until('the first status', () => apiCalls(world).length === 1)
    await attach.stop()
    const record = await world.record('c1')
    await writeFile(join(world.directory, 'state/sandboxes/c1.json'), JSON.stringify({ ...record, origin: 'shim' }))
    await world.start()
    await until('the status of the adopted sandbox', () => apiCalls(world).length === 2)
  })

  it('detaches sandboxes of the last boot whose netns is gone', async () => {
    await world.start()
    await add(world, 'c1')
    await world.start({ bootId: 'boot-2' })
    await gone(world, 'c1')
    expect(await world.calls()).toEqual(['DEL sec net1 ', 'DEL prim eth0 '])
  })

  it('reports pods that ask for networks and have no record', async () => {
    const metadata = { namespace: 'default', name: 'missed', annotations: { 'k8s.v1.cni.cncf.io/networks': 'a' } }
    world.api.put(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: 'node-a' }, status: { phase: 'Running' } })
    await world.start()
    await until('the event', () => world.events.notes.length > 0)
    expect(world.events.notes[0]).toMatchObject({
      type: 'Warning',
      reason: 'NetworksMissed',
      about: { metadata: { name: 'missed', uid: expect.stringMatching(/^uid-/) } },
    })
    await until('it is counted', () => world.metrics.value('pods_missed') === 1)
  })
})

it('stops without leaving a socket that answers', async () => {
  const attach = await world.start()
  await mkdir(join(world.directory, 'x'))
  await attach.stop()
  await expect(access(join(world.directory, 'run/cni/plexus.sock'))).rejects.toThrow('ENOENT')
})
