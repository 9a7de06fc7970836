import type { DetachOutcome } from '#api/socket'
import { fakeResult, fakeSystem } from './system.fake.ts'
import { attachment, call, plan } from './testing/build.ts'

const RECORD = '/var/lib/plexus/sandboxes/abc.json'
const SPOOL = '/var/lib/plexus/spool'
const recorded = [
  { ...attachment('cluster', 'eth0', 'bridge+portmap'), result: { cniVersion: '1.0.0', dns: { domain: 'eth0' } } },
  { ...attachment('shop/a', 'net1', 'macvlan'), result: { cniVersion: '1.0.0', dns: { domain: 'net1' } } },
]
const backwards = ['DEL macvlan net1', 'DEL portmap eth0', 'DEL bridge eth0']
const noCarrier = { kind: 'exited', code: 1, stdout: '{"code":103,"msg":"link not found: no such file or directory"}' } as const

function record(state: string): Readonly<Record<string, string>> {
  return { [RECORD]: JSON.stringify({ version: 1, state, attachments: recorded, binDirs: [], bootId: 'b', changedAt: 1 }) }
}

describe('a DEL with the agent', () => {
  const agent = (path: string): { body: object } => ({ body: path === '/v1/del' ? plan(...recorded) : {} })

  it('executes in reverse with the results of ADD, and reports each', () => {
    const system = fakeSystem({ agent })
    expect(call(system, 'DEL')).toEqual({ exitCode: 0, out: undefined })
    expect(system.steps).toEqual(['lock /run/plexus/locks/abc', 'POST /v1/del', ...backwards, 'POST /v1/detached'])
    const inputs = system.executions.map(({ input }): { prevResult?: { dns?: { domain?: string } } } => JSON.parse(input))
    expect(inputs.map(({ prevResult }) => prevResult?.dns?.domain)).toEqual(['net1', 'eth0', 'eth0'])
    expect(system.bodies.at(-1)?.body).toEqual({
      protocol: 1,
      containerId: 'abc',
      outcomes: [
        { network: 'shop/a', ifName: 'net1' },
        { network: 'cluster', ifName: 'eth0' },
      ],
    })
  })

  it('passes the netns on even when the runtime has none any more', () => {
    const system = fakeSystem({ agent })
    call(system, 'DEL', { env: { CNI_NETNS: '' } })
    expect(system.executions.map(({ env }) => env['CNI_NETNS'])).toEqual(['', '', ''])
  })

  it('gives no prevResult to a conf that is too old to know it', () => {
    const old = {
      ...attachment('shop/a', 'net1', 'macvlan'),
      plugins: [{ cniVersion: '0.3.1', name: 'a', type: 'macvlan' }],
      result: fakeResult('net1', 'x'),
    }
    const system = fakeSystem({ agent: (path) => ({ body: path === '/v1/del' ? { attachments: [old], binDirs: [] } : {} }) })
    call(system, 'DEL')
    expect(JSON.parse(system.executions[0]?.input ?? '')).not.toHaveProperty('prevResult')
  })

  it('tries every attachment, tells the first failure, and never in words that go-cni takes for success', () => {
    const system = fakeSystem({ agent, plugin: (type) => (type === 'macvlan' ? noCarrier : undefined) })
    expect(call(system, 'DEL').out).toEqual({
      cniVersion: '1.1.0',
      code: 103,
      msg: 'DEL of network "shop/a" on net1: plugin macvlan: link absent: path is absent',
      details: 'DelegateFailed',
    })
    expect(system.steps.filter((step) => step.startsWith('DEL'))).toEqual(backwards)
    expect(system.bodies.at(-1)?.body).toMatchObject({
      outcomes: [{ ifName: 'net1', error: { plugin: 'macvlan', code: 103 } }, { ifName: 'eth0' }],
    })
  })

  it('tells all failures in one sentence, with the code of the first', () => {
    const system = fakeSystem({ agent, plugin: (type) => (type === 'portmap' ? undefined : noCarrier) })
    expect(call(system, 'DEL').out).toMatchObject({
      code: 103,
      msg: 'DEL of network "shop/a" on net1: plugin macvlan: link absent: path is absent / DEL of network "cluster" on eth0: plugin bridge: link absent: path is absent',
    })
  })

  it('does nothing for a tombstone', () => {
    const system = fakeSystem({ agent: () => ({ body: { attachments: [], binDirs: [] } }) })
    expect(call(system, 'DEL').exitCode).toBe(0)
    expect(system.steps).toEqual(['lock /run/plexus/locks/abc', 'POST /v1/del'])
  })

  it('spools what the agent did not live to hear', () => {
    const system = fakeSystem({ agent: (path) => (path === '/v1/del' ? agent(path) : 'lost') })
    expect(call(system, 'DEL').exitCode).toBe(0)
    expect(JSON.parse(system.contents.get(`${SPOOL}/abc-1000000.json`) ?? '')).toMatchObject({ containerId: 'abc', executed: true })
  })
})

describe('a DEL while the agent is away', () => {
  it('executes what the record says and spools the outcomes', () => {
    const system = fakeSystem({ files: record('attached') })
    expect(call(system, 'DEL').exitCode).toBe(0)
    expect(system.steps.slice(1)).toEqual([...backwards, `write ${SPOOL}/abc-1000000.json`])
    expect(spooled(system.contents)).toEqual({
      version: 1,
      containerId: 'abc',
      ifName: 'eth0',
      netns: '/run/netns/a',
      cniArgs: 'K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_UID=u-1',
      outcomes: [
        { network: 'shop/a', ifName: 'net1' },
        { network: 'cluster', ifName: 'eth0' },
      ],
      executed: true,
    })
  })

  it('does the same when the agent dies over the question', () => {
    const system = fakeSystem({ agent: () => 'lost', files: record('attached') })
    expect(call(system, 'DEL').exitCode).toBe(0)
    expect(system.steps.slice(2)).toEqual([...backwards, `write ${SPOOL}/abc-1000000.json`])
  })

  it.each([
    ['is stopping', { code: 11, msg: 'the agent of this node is stopping', details: 'AgentUnavailable' }],
    ['has no room on its disk', { code: 5, msg: 'the record cannot be written', details: 'Io' }],
    ['fails for a reason of its own', { code: 999, msg: 'an internal error occurred', details: 'Internal' }],
  ])('does the same when the agent %s: the runtime may never ask again', (_, body) => {
    const system = fakeSystem({ agent: () => ({ status: 500, body }), files: record('attached') })
    expect(call(system, 'DEL').exitCode).toBe(0)
    expect(system.steps.slice(2)).toEqual([...backwards, `write ${SPOOL}/abc-1000000.json`])
  })

  it('tells what the agent has against the request itself, and executes nothing', () => {
    const refusal = { code: 7, msg: 'CNI_IFNAME is no interface name', details: 'InvalidConfig' }
    const system = fakeSystem({ agent: () => ({ status: 400, body: refusal }), files: record('attached') })
    expect(call(system, 'DEL')).toEqual({ exitCode: 1, out: { cniVersion: '1.1.0', ...refusal } })
    expect(system.executions).toEqual([])
  })

  it('spools a failure too, and tells it', () => {
    const system = fakeSystem({ files: record('attached'), plugin: (type) => (type === 'bridge' ? noCarrier : undefined) })
    expect(call(system, 'DEL').out).toMatchObject({ code: 103 })
    expect(spooled(system.contents)).toMatchObject({ outcomes: [{ ifName: 'net1' }, { ifName: 'eth0', error: { plugin: 'bridge' } }] })
  })

  it.each([
    ['no record', {}],
    ['a broken record', { [RECORD]: '{' }],
  ])('leaves a sandbox with %s to the agent', (_, files: Readonly<Record<string, string>>) => {
    const system = fakeSystem({ files })
    expect(call(system, 'DEL').exitCode).toBe(0)
    expect(system.executions).toEqual([])
    expect(spooled(system.contents)).toMatchObject({ executed: false, outcomes: [] })
  })

  it("leaves the pod's annotations with a sandbox that has no record, so that the agent can find its networks", () => {
    const runtimeConfig = { 'io.kubernetes.cri.pod-annotations': { 'k8s.v1.cni.cncf.io/networks': 'a' } }
    const system = fakeSystem()
    call(system, 'DEL', { conf: { runtimeConfig } })
    expect(spooled(system.contents)).toMatchObject({ executed: false, runtimeConfig })
  })

  it('answers ten DELs of one sandbox alike and leaves one entry', () => {
    const system = fakeSystem({ files: record('attached') })
    const answers = Array.from({ length: 10 }, () => call(system, 'DEL').exitCode)
    expect([answers, system.files.list(SPOOL)]).toEqual([Array.from({ length: 10 }, () => 0), ['abc-1000000.json']])
  })

  it('has nothing to do for a tombstone', () => {
    const system = fakeSystem({ files: record('gone') })
    expect(call(system, 'DEL').exitCode).toBe(0)
    expect(system.executions).toEqual([])
  })

  it('fails loudly at the 257th sandbox, before anything is executed', () => {
    const full = Object.fromEntries(Array.from({ length: 256 }, (_, i) => [`${SPOOL}/c${i}-1.json`, '{}']))
    const system = fakeSystem({ files: { ...full, ...record('attached') } })
    expect(call(system, 'DEL').out).toMatchObject({ code: 11, details: 'SpoolFull', msg: expect.stringContaining('holds 256 deletions') })
    expect(system.executions).toEqual([])
  })

  it('lets a runtime that asks twice fill nothing', () => {
    const system = fakeSystem({ files: record('attached') })
    call(system, 'DEL')
    system.now += 5_000
    call(system, 'DEL')
    expect(system.files.list(SPOOL)).toEqual(['abc-1000000.json'])
  })

  it('is told when the spool cannot be written', () => {
    const system = fakeSystem({ files: record('attached'), readOnly: SPOOL })
    expect(call(system, 'DEL').out).toMatchObject({
      code: 5,
      msg: `${SPOOL}/abc-1000000.json: it cannot be written (Read-only file system); see the disk of this node`,
    })
  })
})

describe('CHECK', () => {
  it('asks every plugin with the result of ADD', () => {
    const system = fakeSystem({ agent: () => ({ body: plan(...recorded) }) })
    expect(call(system, 'CHECK').exitCode).toBe(0)
    expect(system.steps.slice(2)).toEqual(['CHECK bridge eth0', 'CHECK portmap eth0', 'CHECK macvlan net1'])
  })

  it('gives each plugin the final result of its own network', () => {
    const system = fakeSystem({ agent: () => ({ body: plan(...recorded) }) })
    call(system, 'CHECK')
    const inputs = system.executions.map(({ input }): { prevResult?: { dns?: { domain?: string } } } => JSON.parse(input))
    expect(inputs.map(({ prevResult }) => prevResult?.dns?.domain)).toEqual(['eth0', 'eth0', 'net1'])
  })

  it('passes over networks that say disableCheck or are too old for it', () => {
    const [first, second] = recorded
    const old = { ...second, network: 'shop/old', plugins: [{ cniVersion: '0.3.1', name: 'old', type: 'old' }] }
    const system = fakeSystem({ agent: () => ({ body: { attachments: [{ ...first, disableCheck: true }, second, old], binDirs: [] } }) })
    expect(call(system, 'CHECK').exitCode).toBe(0)
    expect(system.steps.slice(2)).toEqual(['CHECK macvlan net1'])
  })

  it("keeps the delegate's code", () => {
    const system = fakeSystem({
      agent: () => ({ body: plan(...recorded) }),
      plugin: (type) => (type === 'portmap' ? noCarrier : undefined),
    })
    expect(call(system, 'CHECK').out).toMatchObject({
      code: 103,
      msg: expect.stringContaining('CHECK of network "cluster" on eth0: plugin portmap'),
    })
  })

  it('is 3 for a sandbox that the agent does not know', () => {
    const system = fakeSystem({
      agent: () => ({ status: 404, body: { code: 3, msg: 'sandbox abc is unknown', details: 'UnknownContainer' } }),
    })
    expect(call(system, 'CHECK').out).toMatchObject({ code: 3 })
  })

  it('is 11 without the agent', () => {
    expect(call(fakeSystem(), 'CHECK').out).toMatchObject({ code: 11 })
  })
})

function spooled(contents: ReadonlyMap<string, string>): { readonly outcomes: readonly DetachOutcome[] } {
  const parsed: { readonly outcomes: readonly DetachOutcome[] } = JSON.parse(contents.get(`${SPOOL}/abc-1000000.json`) ?? 'null')
  return parsed
}
