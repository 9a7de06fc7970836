import { pods } from '../pods/pod.ts'
import { until } from '#kube/testing/until'
import { add, apiCalls, BOTH, commitOf, detachedOf, openShimWorld, WANTS_A } from './testing/shim-calls.ts'
import { NETWORKS, operation, result, type World } from './testing/world.ts'

let world: World
beforeEach(async () => void (world = await openShimWorld()))
afterEach(() => world.close())

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
    await add(world, 'c1')
    expect(apiCalls(world)).toEqual([STATUS])
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
    await until('the status is written', () => apiCalls(world).length > 0)
    expect([apiCalls(world), world.events.notes]).toEqual([[STATUS], []])
  })

  it("is answered in the version of the runtime's conf", async () => {
    await world.start()
    const old = { cniVersion: '0.4.0', name: 'plexus', type: 'plexus', runtimeConfig: { 'io.kubernetes.cri.pod-annotations': null } }
    await world.post('/v1/plan', { ...operation('c1'), config: old })
    expect(await world.post('/v1/commit', commitOf('c1', BOTH.slice(0, 1)))).toMatchObject({
      body: { result: { cniVersion: '0.4.0', ips: [{ version: '4', address: '10.1.0.2/24' }] } },
    })
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
    await add(world, 'c1')
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
    [
      'another interface',
      [['cluster', 'eth0', result('eth7', '10.1.0.2/24')]],
      'PrimaryIncomplete',
      /yielded no address on interface "eth0"/,
    ],
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

  it('is refused when its shim no longer waits: it has undone everything, and network-status would show what is gone', async () => {
    expect(await world.post('/v1/commit', { ...commitOf('c1', BOTH), deadline: 1 })).toMatchObject({
      body: { code: 11, details: 'PlanExpired' },
    })
    expect([(await world.record('c1')).state, apiCalls(world)]).toEqual(['planned', []])
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
    await until('the status is paid', () => apiCalls(world).length === 2)
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
