import { fakeResult, fakeSystem } from './system.fake.ts'
import { attachment, call, plan } from './testing/build.ts'

const printed = { cniVersion: '1.1.0', ips: [] }
const three = plan(
  attachment('cluster', 'eth0', 'bridge+portmap'),
  attachment('shop/a', 'net1', 'macvlan'),
  attachment('shop/b', 'net2', 'ipvlan'),
)

function agent(answers: Readonly<Record<string, object>> = {}): (path: string) => { status: number; body: object } {
  const usual: Readonly<Record<string, object>> = { '/v1/plan': three, '/v1/commit': { result: printed }, '/v1/detached': {} }
  return (path) => {
    const body = answers[path] ?? usual[path] ?? {}
    return { status: 'code' in body ? 500 : 200, body }
  }
}

/** A plugin that fails one verb. */
const failing =
  (failed: string, verb: string, stdout = '{"code":103,"msg":"no carrier"}') =>
  (type: string, { env }: { env: Readonly<Record<string, string>> }) =>
    type === failed && env['CNI_COMMAND'] === verb ? ({ kind: 'exited', code: 1, stdout } as const) : undefined

describe('an ADD with the agent', () => {
  it('locks, plans, executes in order, commits and prints what the agent says', () => {
    const system = fakeSystem({ agent: agent() })
    expect(call(system, 'ADD')).toEqual({ exitCode: 0, out: printed })
    expect(system.steps).toEqual([
      'lock /run/plexus/locks/abc',
      'POST /v1/plan',
      'ADD bridge eth0',
      'ADD portmap eth0',
      'ADD macvlan net1',
      'ADD ipvlan net2',
      'POST /v1/commit',
    ])
  })

  it('tells the agent the environment, the conf and CLOCK_BOOTTIME limits', () => {
    const system = fakeSystem({ agent: agent() })
    call(system, 'ADD', { env: { CNI_ARGS: 'A=1' } })
    expect(system.bodies[0]?.body).toEqual({
      protocol: 1,
      env: { CNI_CONTAINERID: 'abc', CNI_NETNS: '/run/netns/a', CNI_IFNAME: 'eth0', CNI_ARGS: 'A=1', CNI_PATH: '/opt/cni/bin' },
      config: { cniVersion: '1.1.0', name: 'plexus', type: 'plexus' },
      startedAt: 1_000_000,
      deadline: 1_030_000,
    })
  })

  it('chains prevResult within an attachment and never across attachments', () => {
    const system = fakeSystem({ agent: agent() })
    call(system, 'ADD')
    const inputs = system.executions.map(({ input }): { prevResult?: unknown } => JSON.parse(input))
    expect(inputs.map(({ prevResult }) => prevResult)).toEqual([undefined, fakeResult('eth0', 'bridge'), undefined, undefined])
  })

  it('gives each delegate its own CNI variables and the rest of the environment', () => {
    const system = fakeSystem({ agent: agent({ '/v1/plan': { ...plan(attachment('shop/a', 'net1', 'macvlan')), binDirs: ['/extra'] } }) })
    call(system, 'ADD', { env: { TRACEPARENT: '00-1' } })
    expect(system.executions[0]?.env).toEqual({
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: 'abc',
      CNI_NETNS: '/run/netns/a',
      CNI_IFNAME: 'net1',
      CNI_ARGS: 'N=shop/a',
      CNI_PATH: '/opt/cni/bin:/extra',
      PATH: '/bin',
      TRACEPARENT: '00-1',
    })
  })

  it('fills in the cniVersion that a plugin leaves out', () => {
    const system = fakeSystem({ agent: agent(), plugin: () => ({ kind: 'exited', code: 0, stdout: '{"ips":[]}' }) })
    call(system, 'ADD')
    expect(system.bodies[1]?.body).toMatchObject({
      results: expect.arrayContaining([expect.objectContaining({ result: { ips: [], cniVersion: '1.0.0' } })]),
    })
  })
})

describe('an ADD that fails', () => {
  it("keeps the delegate's code, undoes in reverse what ran and tells the agent", () => {
    const system = fakeSystem({ agent: agent(), plugin: failing('macvlan', 'ADD') })
    const msg = 'ADD of network "shop/a" on net1: plugin macvlan: no carrier'
    expect(call(system, 'ADD').out).toEqual({ cniVersion: '1.1.0', code: 103, msg, details: 'DelegateFailed' })
    expect(system.steps.slice(2)).toEqual([
      'ADD bridge eth0',
      'ADD portmap eth0',
      'ADD macvlan net1',
      'DEL macvlan net1',
      'DEL portmap eth0',
      'DEL bridge eth0',
      'POST /v1/detached',
    ])
    const outcomes = [
      { network: 'cluster', ifName: 'eth0' },
      { network: 'shop/a', ifName: 'net1' },
      { network: 'shop/b', ifName: 'net2' },
    ]
    expect(system.bodies.at(-1)?.body).toEqual({ protocol: 1, containerId: 'abc', outcomes, reason: msg })
  })

  it('gives the roll-back the result of ADD and tells the agent what could not be undone', () => {
    const both = (type: string, execution: { env: Readonly<Record<string, string>> }): ReturnType<ReturnType<typeof failing>> =>
      failing('macvlan', 'ADD')(type, execution) ?? failing('portmap', 'DEL', '{"code":7,"msg":"stuck"}')(type, execution)
    const system = fakeSystem({ agent: agent(), plugin: both })
    call(system, 'ADD')
    const del = system.executions.find(({ env, file }) => env['CNI_COMMAND'] === 'DEL' && file.endsWith('bridge'))
    expect(JSON.parse(del?.input ?? '')).toMatchObject({ prevResult: fakeResult('eth0', 'portmap') })
    expect(system.bodies.at(-1)?.body).toMatchObject({
      outcomes: [{ network: 'cluster', ifName: 'eth0', error: { plugin: 'portmap', code: 7, msg: 'stuck' } }, {}, {}],
    })
  })

  it.each([
    ['a delegate that hangs', { kind: 'timeout' }, 11, 'it did not end within 60 s and was killed; see what it waits for'],
    ['a delegate that is killed', { kind: 'killed', signal: 9 }, 100, 'it was ended by signal 9; the kernel log of this node may say why'],
    [
      'a delegate without a CNI error',
      { kind: 'exited', code: 2, stdout: 'panic' },
      100,
      "it ended with exit status 2 and printed no CNI error; the runtime's log may hold its stderr",
    ],
    [
      'a delegate that prints no result',
      { kind: 'exited', code: 0, stdout: 'ok' },
      6,
      'it printed something that is not a result; a plugin prints one JSON object',
    ],
    [
      'a delegate whose message is a dump',
      { kind: 'exited', code: 1, stdout: JSON.stringify({ code: 103, msg: 'x'.repeat(1_000_000) }) },
      103,
      `${'x'.repeat(4095)}…`,
    ],
    ['a delegate that prints too much', { kind: 'too-much-output' }, 6, 'it printed more than 1048576 bytes; a result is smaller'],
    [
      'a delegate that cannot be executed',
      { kind: 'not-started', reason: 'failed', cause: 'Permission denied' },
      5,
      'it could not be executed (Permission denied); see its file on this node',
    ],
  ] as const)('names %s', (_, executed, code, msg) => {
    const system = fakeSystem({
      agent: agent(),
      plugin: (type, { env }) => (type === 'macvlan' && env['CNI_COMMAND'] === 'ADD' ? executed : undefined),
    })
    expect(call(system, 'ADD').out).toMatchObject({ code, msg: `ADD of network "shop/a" on net1: plugin macvlan: ${msg}` })
  })

  it.each([
    ['missing', 'it is in none of /opt/cni/bin; install it on this node'],
    ['../sh', 'type: "../sh" is not a plugin name; use letters, digits, ".", "_" or "-"'],
    ['multus', 'type: "multus" attaches other networks and cannot be one; write the plugin that attaches this network'],
    ['plexus', 'type: "plexus" attaches other networks and cannot be one; write the plugin that attaches this network'],
  ])('never executes %s', (type, msg) => {
    const system = fakeSystem({ agent: agent({ '/v1/plan': plan(attachment('shop/a', 'net1', type)) }) })
    expect(call(system, 'ADD').out).toMatchObject({ code: 7, msg: expect.stringContaining(msg) })
    expect(system.executions).toEqual([])
  })

  it('waits for a plugin that is being installed, then gives up', () => {
    const busy = { kind: 'not-started', reason: 'busy', cause: 'Text file busy' } as const
    const system = fakeSystem({ agent: agent({ '/v1/plan': plan(attachment('shop/a', 'net1', 'macvlan')) }), plugin: () => busy })
    expect(call(system, 'ADD').out).toMatchObject({ code: 5 })
    expect(system.steps.filter((step) => step === 'ADD macvlan net1')).toHaveLength(6)
  })

  it('goes on without a network that is not required, and commits why', () => {
    const optional = plan(
      attachment('cluster', 'eth0', 'bridge'),
      attachment('shop/a', 'net1', 'macvlan', { required: false }),
      attachment('shop/b', 'net2', 'ipvlan'),
    )
    const system = fakeSystem({ agent: agent({ '/v1/plan': optional }), plugin: failing('macvlan', 'ADD') })
    expect(call(system, 'ADD').exitCode).toBe(0)
    expect(system.steps.slice(2)).toEqual(['ADD bridge eth0', 'ADD macvlan net1', 'DEL macvlan net1', 'ADD ipvlan net2', 'POST /v1/commit'])
    expect(system.bodies.at(-1)?.body).toMatchObject({
      results: [{ ifName: 'eth0' }, { ifName: 'net2' }],
      failed: [{ network: 'shop/a', ifName: 'net1', error: { plugin: 'macvlan', code: 103, msg: 'no carrier' } }],
    })
  })

  it('fails for a network that is not required but cannot be undone: a commit would forget what it left', () => {
    const optional = plan(attachment('cluster', 'eth0', 'bridge'), attachment('shop/a', 'net1', 'macvlan', { required: false }))
    const stuck = (type: string): { kind: 'exited'; code: number; stdout: string } | undefined =>
      type === 'macvlan' ? { kind: 'exited', code: 1, stdout: '{"code":103,"msg":"no carrier"}' } : undefined
    const system = fakeSystem({ agent: agent({ '/v1/plan': optional }), plugin: stuck })
    expect(call(system, 'ADD').out).toMatchObject({
      code: 103,
      msg:
        'ADD of network "shop/a" on net1: plugin macvlan: no carrier; ' +
        'it is not required, but could not be undone: plugin macvlan: no carrier',
    })
    expect(system.bodies.map(({ path }) => path)).toEqual(['/v1/plan', '/v1/detached'])
    expect(system.bodies.at(-1)?.body).toMatchObject({
      outcomes: [{ ifName: 'eth0' }, { ifName: 'net1', error: { plugin: 'macvlan', code: 103 } }],
    })
  })

  it.each([
    ['is not installed', 'missing', undefined],
    ['cannot be executed', 'macvlan', { kind: 'not-started', reason: 'failed', cause: 'Permission denied' }],
  ] as const)('undoes nothing of a plugin that %s: the DEL could never succeed', (_, type, executed) => {
    const system = fakeSystem({
      agent: agent({ '/v1/plan': plan(attachment('cluster', 'eth0', 'bridge'), attachment('shop/a', 'net1', type)) }),
      plugin: (name) => (name === type ? executed : undefined),
    })
    expect(call(system, 'ADD').exitCode).toBe(1)
    expect(system.steps.filter((step) => step.startsWith('DEL'))).toEqual(['DEL bridge eth0'])
    expect(system.bodies.at(-1)?.body['outcomes']).toEqual([
      { network: 'cluster', ifName: 'eth0' },
      { network: 'shop/a', ifName: 'net1' },
    ])
  })

  it('waits ten seconds for the commit, an agent that is away for some of them included', () => {
    const system = fakeSystem({
      agent: agent({ '/v1/plan': plan(attachment('cluster', 'eth0', 'bridge')) }),
      plugin: () => void (system.awayUntil = system.now + 6_000),
    })
    const before = system.now
    expect(call(system, 'ADD').exitCode).toBe(0)
    expect(system.now).toBeGreaterThanOrEqual(before + 6_000)
    expect(system.bodies.at(-1)).toMatchObject({ path: '/v1/commit', deadline: before + 10_000, body: { deadline: before + 10_000 } })
  })

  it('prints the refusal of a plan as it is and executes nothing', () => {
    const refusal = { code: 7, msg: 'network shop/x does not exist', details: 'NetworkNotFound' }
    const system = fakeSystem({ agent: agent({ '/v1/plan': refusal }) })
    expect(call(system, 'ADD')).toEqual({ exitCode: 1, out: { cniVersion: '1.1.0', ...refusal } })
    expect(system.executions).toEqual([])
  })

  it('undoes everything when the commit is refused', () => {
    const system = fakeSystem({ agent: agent({ '/v1/commit': { code: 11, msg: 'deleted meanwhile', details: 'CommitRefused' } }) })
    expect(call(system, 'ADD').out).toMatchObject({ code: 11, msg: 'deleted meanwhile' })
    expect(system.steps.slice(-5)).toEqual([
      'DEL ipvlan net2',
      'DEL macvlan net1',
      'DEL portmap eth0',
      'DEL bridge eth0',
      'POST /v1/detached',
    ])
  })

  it('spools the roll-back when the agent is gone at the commit', () => {
    const system = fakeSystem({ agent: (path) => (path === '/v1/plan' ? { body: three } : 'lost') })
    expect(call(system, 'ADD').out).toMatchObject({
      code: 11,
      msg: 'the Plexus agent of this node did not confirm the attachments (Connection reset by peer); it is tried again',
    })
    expect(JSON.parse(system.contents.get('/var/lib/plexus/spool/abc-1000000.json') ?? '')).toMatchObject({
      executed: true,
      outcomes: [{ ifName: 'eth0' }, {}, {}],
    })
  })

  it('executes nothing when the plan is lost: the record may exist', () => {
    const system = fakeSystem({ agent: () => 'lost' })
    expect(call(system, 'ADD').out).toMatchObject({ code: 11 })
    expect(system.executions).toEqual([])
  })

  it('waits for no lock for ever', () => {
    const system = fakeSystem({ agent: agent() })
    system.lockIsBusy = true
    expect(call(system, 'ADD').out).toMatchObject({
      code: 11,
      msg: 'another operation on sandbox abc runs for more than 30 s; it is tried again',
    })
    expect(system.bodies).toEqual([])
  })

  it('refuses a plan in other words', () => {
    const system = fakeSystem({ agent: agent({ '/v1/plan': { attachments: [{ network: 1 }], binDirs: [] } }) })
    expect(call(system, 'ADD').out).toMatchObject({ code: 11, msg: expect.stringContaining('same release') })
  })
})
