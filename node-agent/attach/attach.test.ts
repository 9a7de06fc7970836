import { access, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '#kube/testing/until'
import { pods } from '../pods/pod.ts'
import { usable } from './testing/ports.fake.ts'
import { NETWORKS, openWorld, operation, result, type World } from './testing/world.ts'

const WANTS_A = { annotations: { 'k8s.v1.cni.cncf.io/networks': 'a' } }
let world: World
beforeEach(async () => {
  world = await openWorld()
  world.snapshot.put('default/a', usable({ cniVersion: '1.0.0', name: 'a', type: 'sec' }))
  world.api.put(pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name: 'web', uid: 'uid-1' },
    spec: { nodeName: 'node-a' },
  })
  await Promise.all([world.plugin('prim'), world.plugin('sec')])
})
afterEach(() => world.close())

const commitOf = (containerId: string, networks: readonly (readonly [network: string, ifName: string, address: string])[]): object => ({
  protocol: 1,
  containerId,
  results: networks.map(([network, ifName, address]) => ({ network, ifName, result: result(ifName, address) })),
  failed: [],
})
const BOTH = [
  ['cluster', 'eth0', '10.1.0.2/24'],
  ['default/a', 'net1', '10.2.0.2/24'],
] as const
const detachedOf = (containerId: string, more: object = {}): object => ({
  protocol: 1,
  containerId,
  outcomes: BOTH.map(([network, ifName]) => ({ network, ifName })),
  ...more,
})
/** An ADD of a pod with network `a`, as a shim does it. */
async function add(containerId: string): Promise<void> {
  expect(await world.post('/v1/plan', operation(containerId, WANTS_A))).toMatchObject({ status: 200 })
  expect(await world.post('/v1/commit', commitOf(containerId, BOTH))).toMatchObject({ status: 200 })
}
const gone = async (containerId: string): Promise<void> => {
  let state = ''
  const look = async (): Promise<void> => {
    state = (await world.record(containerId)).state
    if (state !== 'gone') setImmediate(() => void look())
  }
  await look()
  await until(`${containerId} is gone`, () => state === 'gone')
}
/** Calls of the API server besides the watch of the agent's pods. */
const apiCalls = (): readonly string[] =>
  world.api.requests.filter(({ query }) => !query.has('watch')).map(({ method, path }) => `${method} ${path}`)
const STATUS = 'PATCH /api/v1/namespaces/default/pods/web/status'

describe('an ADD', () => {
  it('is planned with the record first, committed, and answered with the primary', async () => {
    await world.start()
    const planned = await world.post('/v1/plan', operation('c1', WANTS_A))
    expect(planned.body).toMatchObject({
      cniVersion: '1.0.0',
      attachments: [
        { network: 'cluster', ifName: 'eth0', primary: true },
        { network: 'default/a', ifName: 'net1', primary: false, plugins: [{ type: 'sec', name: 'a' }] },
      ],
    })
    expect((await world.record('c1')).state).toBe('planned')
    const committed = await world.post('/v1/commit', commitOf('c1', BOTH))
    expect(committed).toMatchObject({ status: 200, body: { result: { cniVersion: '1.0.0', ips: [{ address: '10.1.0.2/24' }] } } })
    expect(await world.record('c1')).toMatchObject({ state: 'attached', pod: { namespace: 'default', name: 'web', uid: 'uid-1' } })
  })

  it('costs one call of the API server for a pod with networks, and tells its event', async () => {
    const attach = await world.start()
    await add('c1')
    expect(apiCalls()).toEqual([STATUS])
    expect(world.events.notes.map(({ reason, message }) => `${reason} ${message}`)).toEqual([
      'AddedInterface Add net1 [10.2.0.2/24] from default/a',
    ])
    expect(attach.counts()).toEqual({ attached: 1, deleting: 0, networks: new Map([['default/a', 1]]) })
  })

  it('costs one call for a plain pod, after its answer', async () => {
    await world.start()
    await world.post('/v1/plan', operation('c1'))
    world.api.fault({ method: 'PATCH' }, { kind: 'stall' })
    expect(await world.post('/v1/commit', commitOf('c1', BOTH.slice(0, 1)))).toMatchObject({ status: 200 })
    await until('the status is written', () => apiCalls().length > 0)
    expect([apiCalls(), world.events.notes]).toEqual([[STATUS], []])
  })

  it("reads the pod from the agent's own watch when the runtime does not pass annotations", async () => {
    const metadata = { namespace: 'default', name: 'web', uid: 'uid-1', annotations: { 'k8s.v1.cni.cncf.io/networks': 'a' } }
    world.api.put(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: 'node-a' } })
    await world.start()
    const old = { ...operation('c1'), config: { cniVersion: '0.4.0', name: 'plexus', type: 'plexus' } }
    expect((await world.post('/v1/plan', old)).body).toMatchObject({ attachments: [{ network: 'cluster' }, { network: 'default/a' }] })
  })
})

describe('an ADD is refused', () => {
  it('for a missing network, in words that name it, and told once', async () => {
    await world.start()
    world.snapshot.silence(60_000)
    const wants = { annotations: { 'k8s.v1.cni.cncf.io/networks': 'nope' } }
    const answers = [await world.post('/v1/plan', operation('c1', wants)), await world.post('/v1/plan', operation('c2', wants))]
    expect(answers[0]).toMatchObject({
      status: 400,
      body: { code: 7, msg: expect.stringContaining('no NetworkAttachmentDefinition "nope" in namespace "default"') },
    })
    expect(world.events.notes.map(({ reason }) => reason)).toEqual(['FailedAttach'])
    await expect(world.record('c1')).rejects.toThrow('ENOENT')
    world.api.put(NETWORKS, { metadata: { namespace: 'default', name: 'nope' }, spec: { config: '{"type":"sec"}' } })
    expect(await world.post('/v1/plan', operation('c3', wants))).toMatchObject({ status: 200 })
  })

  it('and its DEL has nothing to do', async () => {
    await world.start()
    await world.post('/v1/plan', operation('c1', { annotations: { 'k8s.v1.cni.cncf.io/networks': 'a/b/c' } }))
    expect(await world.post('/v1/del', operation('c1'))).toMatchObject({ status: 200, body: { attachments: [] } })
  })

  it.each([
    ['without a sandbox id', { CNI_CONTAINERID: '' }, 4, 'CNI_CONTAINERID'],
    ['with an id that leaves the directory', { CNI_CONTAINERID: '../x' }, 4, 'CNI_CONTAINERID'],
    ['without a netns', { CNI_NETNS: '' }, 4, 'CNI_NETNS'],
    ['with a bad interface name', { CNI_IFNAME: 'a/b' }, 4, 'CNI_IFNAME'],
    ['with arguments that are none', { CNI_ARGS: 'novalue' }, 4, 'CNI_ARGS'],
  ])('%s', async (_, env, code, name) => {
    await world.start()
    expect(await world.post('/v1/plan', operation('c1', { env }))).toMatchObject({
      status: 400,
      body: { code, msg: expect.stringContaining(name) },
    })
  })

  it('when its shim no longer waits, and then nothing is recorded', async () => {
    await world.start()
    expect(await world.post('/v1/plan', { ...operation('c1'), deadline: 1 })).toMatchObject({ body: { code: 11, details: 'PlanExpired' } })
    await expect(world.record('c1')).rejects.toThrow('ENOENT')
  })

  it('when another ADD owns the sandbox', async () => {
    await world.start()
    await world.post('/v1/plan', operation('c1'))
    expect(await world.post('/v1/plan', operation('c1'))).toMatchObject({ body: { code: 11, details: 'SandboxOwned' } })
  })

  it('when its DEL overtook it, but not when it is a later one', async () => {
    await world.start()
    const early = operation('c1')
    await add('c1')
    await world.post('/v1/del', operation('c1'))
    await world.post('/v1/detached', detachedOf('c1'))
    expect(await world.post('/v1/plan', { ...early, startedAt: 1 })).toMatchObject({ body: { details: 'SandboxOwned' } })
    expect(await world.post('/v1/plan', operation('c1'))).toMatchObject({ status: 200 })
  })
})

describe('a commit', () => {
  beforeEach(async () => {
    await world.start()
    await world.post('/v1/plan', operation('c1', WANTS_A))
  })

  it.each([
    ['no address', [['cluster', 'eth0', { cniVersion: '1.0.0' }]], 'PrimaryIncomplete', /yielded no address/],
    ['another interface', [['cluster', 'eth0', result('eth7', '10.1.0.2/24')]], 'PrimaryIncomplete', /yielded no interface "eth0"/],
    [
      'a result that is none',
      [['cluster', 'eth0', { ips: [{ address: 'x' }] }]],
      'DelegateFailed',
      /network cluster: its result cannot be read/,
    ],
  ] as const)('is refused when the primary yields %s', async (_, [first], details, msg) => {
    const [network, ifName, made] = first
    const results = [
      { network, ifName, result: made },
      { network: 'default/a', ifName: 'net1', result: result('net1', '10.2.0.2/24') },
    ]
    const answer = await world.post('/v1/commit', { protocol: 1, containerId: 'c1', results, failed: [] })
    expect(answer).toMatchObject({ status: 400, body: { details, msg: expect.stringMatching(msg) } })
    expect((await world.record('c1')).state).toBe('planned')
  })

  it('is refused without the result of a required network', async () => {
    expect(await world.post('/v1/commit', commitOf('c1', BOTH.slice(0, 1)))).toMatchObject({ body: { code: 11, details: 'CommitRefused' } })
  })

  it('is refused after a DEL', async () => {
    await world.post('/v1/del', operation('c1'))
    expect(await world.post('/v1/commit', commitOf('c1', BOTH))).toMatchObject({
      body: { details: 'CommitRefused', msg: expect.stringContaining('is deleting') },
    })
  })

  it('owes the status when the API server refuses it, and pays later', async () => {
    world.api.fault({ method: 'PATCH' }, { kind: 'answer', status: 403, reason: 'Forbidden' })
    expect(await world.post('/v1/commit', commitOf('c1', BOTH))).toMatchObject({ status: 200 })
    expect(await world.record('c1')).toMatchObject({ state: 'attached', statusPending: true })
    expect(world.events.notes.map(({ reason }) => reason)).toContain('NetworkStatusPending')
    await until('the status is paid', () => apiCalls().length === 2)
  })

  it('fails for it when the profile says so', async () => {
    world.snapshot.setProfile({ statusWrite: 'Fail' })
    world.api.fault({ method: 'PATCH' }, { kind: 'answer', status: 403, reason: 'Forbidden' })
    expect(await world.post('/v1/commit', commitOf('c1', BOTH))).toMatchObject({ body: { code: 11, details: 'StatusNotWritten' } })
    expect((await world.record('c1')).state).toBe('planned')
  })

  it('is counted', async () => {
    await world.post('/v1/commit', commitOf('c1', BOTH))
    await world.post('/v1/commit', commitOf('c1', BOTH))
    const count = (code: string): number => world.metrics.value('cni_requests_total', { command: 'ADD', code })
    expect([count('0'), count('11')]).toEqual([1, 1])
  })
})

describe('a DEL', () => {
  it('gets what was attached, with its results, and ends in a tombstone', async () => {
    await world.start()
    await add('c1')
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
    await add('c1')
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
    await gone('c1')
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

  it('of an unknown sandbox runs what an ADD would attach now, and a lost record is no error', async () => {
    await world.start()
    await add('c1')
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
    await gone('c1')
    expect(await world.calls()).toEqual(['DEL sec net1 ', 'DEL prim eth0 '])
  })

  it('after the commit: keeps the sandbox and serves its DEL', async () => {
    await world.start()
    await add('c1')
    const next = await world.start()
    expect(next.counts().attached).toBe(1)
    expect((await world.post('/v1/del', operation('c1'))).body).toMatchObject({
      attachments: [{ network: 'cluster' }, { network: 'default/a' }],
    })
  })

  it('takes over what shims spooled meanwhile', async () => {
    const attach = await world.start()
    await add('c1')
    await add('c2')
    await attach.stop()
    const entry = { version: 1, ifName: 'eth0', netns: '', cniArgs: '' }
    const done = { ...entry, containerId: 'c1', executed: true, outcomes: BOTH.map(([network, ifName]) => ({ network, ifName })) }
    const open = { ...entry, containerId: 'c2', executed: false, outcomes: [] }
    const spool = join(world.directory, 'state/spool')
    await Promise.all([done, open].map((one) => writeFile(join(spool, `${one.containerId}-1.json`), JSON.stringify(one))))
    await writeFile(join(spool, 'broken-1.json'), '{')
    await world.start()
    await Promise.all([gone('c1'), gone('c2')])
    expect([await readdir(spool), await world.calls()]).toEqual([['broken-1.json.corrupt'], ['DEL sec net1 ', 'DEL prim eth0 ']])
  })

  it('adopts what a shim attached alone, and writes its status', async () => {
    const attach = await world.start()
    await world.post('/v1/plan', operation('c1'))
    await world.post('/v1/commit', commitOf('c1', BOTH.slice(0, 1)))
    await until('the first status', () => apiCalls().length === 1)
    await attach.stop()
    const record = await world.record('c1')
    await writeFile(join(world.directory, 'state/sandboxes/c1.json'), JSON.stringify({ ...record, origin: 'shim' }))
    await world.start()
    await until('the status of the adopted sandbox', () => apiCalls().length === 2)
  })

  it('detaches sandboxes of the last boot whose netns is gone', async () => {
    await world.start()
    await add('c1')
    await world.start({ bootId: 'boot-2' })
    await gone('c1')
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
    expect(world.metrics.value('pods_missed')).toBe(1)
  })
})

it('stops without leaving a socket that answers', async () => {
  const attach = await world.start()
  await mkdir(join(world.directory, 'x'))
  await attach.stop()
  await expect(access(join(world.directory, 'run/cni/plexus.sock'))).rejects.toThrow('ENOENT')
})
