import { shim } from './shim.ts'
import { fakeSystem } from './system.fake.ts'
import { call, nodeFile } from './testing/build.ts'

describe('a call that is not valid', () => {
  it.each([
    ['an unknown command', 'ATTACH', {}, 4, 'CNI_COMMAND "ATTACH" is unknown; use ADD, DEL, CHECK, GC, STATUS or VERSION'],
    [
      'an ADD without container id and netns',
      'ADD',
      { env: { CNI_CONTAINERID: '', CNI_NETNS: '' } },
      4,
      'CNI_CONTAINERID, CNI_NETNS must be set for ADD; the runtime leaves them empty',
    ],
    [
      'a container id that is a path',
      'DEL',
      { env: { CNI_CONTAINERID: '../x' } },
      4,
      'CNI_CONTAINERID "../x" is not a container id; use letters, digits, ".", "_" or "-"',
    ],
    [
      'an interface name with a slash',
      'ADD',
      { env: { CNI_IFNAME: 'a/b' } },
      4,
      'CNI_IFNAME "a/b" is not an interface name; use 1 to 15 characters without "/", ":" and blanks',
    ],
    ['stdin that is no JSON', 'ADD', { stdin: '{' }, 6, 'stdin is not a JSON object; the runtime must pass the network configuration'],
    ['a conf without a name', 'ADD', { conf: { name: '' } }, 7, 'name: it is missing in the network configuration; write one'],
    [
      'a version that does not exist',
      'ADD',
      { conf: { cniVersion: '9.9.9' } },
      1,
      'cniVersion: "9.9.9" is not supported; use one of 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0',
    ],
    [
      'CHECK in a conf that is too old',
      'CHECK',
      { conf: { cniVersion: '0.3.1' } },
      1,
      'cniVersion: 0.3.1 has no CHECK; use 0.4.0 or newer',
    ],
    [
      'STATUS in a conf that is too old',
      'STATUS',
      { conf: { cniVersion: '1.0.0' } },
      1,
      'cniVersion: 1.0.0 has no STATUS; use 1.1.0 or newer',
    ],
    ['a state directory that is relative', 'ADD', { conf: { stateDir: 'x' } }, 7, 'stateDir: "x" is not an absolute path; write one'],
  ])('refuses %s', (_, command, change, ...error) => {
    const { exitCode, out } = call(fakeSystem(), command, change)
    expect([exitCode, out?.['code'], out?.['msg']]).toEqual([1, ...error])
  })

  const ourNetns = { '/run/netns/a': '4:1', '/proc/self/ns/net': '4:1' }
  it.each([undefined, '', '0', 'false'])('is refused when the netns is our own, and CNI_NETNS_OVERRIDE=%s changes nothing', (override) => {
    const env = override === undefined ? {} : { CNI_NETNS_OVERRIDE: override }
    expect(call(fakeSystem({ files: ourNetns }), 'ADD', { env }).out).toMatchObject({
      code: 4,
      msg: expect.stringContaining('CNI_NETNS /run/netns/a is the network'),
    })
  })

  it.each(['1', 'true', 'TRUE'])('may have our own netns with CNI_NETNS_OVERRIDE=%s', (override) => {
    const { out } = call(fakeSystem({ files: ourNetns }), 'ADD', { env: { CNI_NETNS_OVERRIDE: override } })
    expect(out).toMatchObject({ code: 11 })
  })
})

describe('VERSION', () => {
  it('answers in the version of the question', () => {
    expect(call(fakeSystem(), 'VERSION', { stdin: '{"cniVersion":"0.4.0"}' })).toEqual({
      exitCode: 0,
      out: { cniVersion: '0.4.0', supportedVersions: ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] },
    })
  })

  it('says what it is when nothing is asked', () => {
    expect(shim(fakeSystem(), { environ: {}, stdin: '', startedAt: 0, about: 'plexus-cni-shim 1.2.3' })).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: 'plexus-cni-shim 1.2.3\nCNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n',
    })
  })
})

describe('the log', () => {
  it('has one line for a failure, without the configuration', () => {
    const system = fakeSystem()
    call(system, 'ADD', { conf: { password: 'hunter2' } })
    const line: unknown = JSON.parse(system.contents.get('/run/plexus/shim.log') ?? '')
    expect(line).toMatchObject({ verb: 'ADD', containerId: 'abc', pod: 'shop/web', code: 11 })
    expect(JSON.stringify(line)).not.toContain('hunter2')
  })

  it('says what went wrong inside the shim, which the runtime is not told', () => {
    const primary = { name: 'cluster', cniVersion: '1.1.0', plugins: [{ cniVersion: '1.1.0', name: 'cluster', type: 'bridge' }] }
    const system = fakeSystem({
      files: { '/var/lib/plexus/node.json': nodeFile({ primary }) },
      plugin: () => {
        throw new TypeError('not a function')
      },
    })
    expect(call(system, 'STATUS')).toEqual({
      exitCode: 1,
      out: {
        cniVersion: '1.1.0',
        code: 999,
        msg: 'an internal error occurred in the shim; /run/plexus/shim.log on this node says more',
        details: 'Internal',
      },
    })
    expect(JSON.parse(system.contents.get('/run/plexus/shim.log') ?? '')).toMatchObject({
      code: 999,
      bug: expect.stringContaining('TypeError: not a function'),
    })
  })

  it('stays silent about a STATUS that is well', () => {
    const system = fakeSystem({ files: { '/run/plexus/ready': JSON.stringify({ bootId: '11111111-2222-3333-4444-555555555555', at: 1 }) } })
    expect(call(system, 'STATUS').exitCode).toBe(0)
    expect(system.contents.has('/run/plexus/shim.log')).toBe(false)
  })
})

describe('STATUS', () => {
  const bootId = '11111111-2222-3333-4444-555555555555'
  const primary = { name: 'cluster', cniVersion: '1.1.0', plugins: [{ cniVersion: '1.1.0', name: 'cluster', type: 'bridge' }] }
  const ready = (at: number, id = bootId): string => JSON.stringify({ bootId: id, at })
  const minute = 60_000
  it.each([
    [
      'within five minutes of the boot without a ready file',
      { now: 4 * minute },
      'the Plexus agent of this node was not ready since the boot; wait for its pod',
    ],
    [
      'within five minutes of the boot with the ready file of another boot',
      { now: 4 * minute, ready: ready(1, 'other') },
      'the Plexus agent of this node was not ready since the boot; wait for its pod',
    ],
    [
      'with withoutAgent: Fail once the agent is away for more than 120 s',
      { now: 10 * minute, ready: ready(10 * minute - 120_001), node: nodeFile({ withoutAgent: 'Fail' }) },
      'the Plexus agent of this node is away for more than 120 s and its profile says withoutAgent: Fail; see its pod',
    ],
    [
      "when the primary's own STATUS fails",
      { now: 10 * minute, ready: ready(1), node: nodeFile({ primary }), plugin: '{"code":50,"msg":"no uplink"}' },
      'the primary network "cluster" is not ready: plugin bridge: no uplink',
    ],
  ])('is 50 %s', (_, world, msg) => {
    expect(statusOf(world).out).toEqual({ cniVersion: '1.1.0', code: 50, msg, details: 'NotReady' })
  })

  it.each([
    ['after five minutes without a ready file', { now: 6 * minute }],
    ['within five minutes with the ready file of this boot', { now: 2 * minute, ready: ready(1) }],
    ['with an agent away for an hour under PrimaryOnly', { now: 61 * minute, ready: ready(minute), node: nodeFile() }],
    [
      'with withoutAgent: Fail and a fresh ready file',
      { now: 10 * minute, ready: ready(10 * minute - 119_000), node: nodeFile({ withoutAgent: 'Fail' }) },
    ],
    [
      'with a primary that is too old for STATUS, whatever it would say',
      { now: 10 * minute, ready: ready(1), node: nodeFile(), plugin: '{"code":50,"msg":"x"}' },
    ],
    ["when the primary's own STATUS is well", { now: 10 * minute, ready: ready(1), node: nodeFile({ primary }) }],
  ])('is well %s', (_, world) => {
    expect(statusOf(world)).toEqual({ exitCode: 0, out: undefined })
  })

  it('never waits longer than two seconds for the primary, be its plugin written at this moment', () => {
    const files = { '/run/plexus/ready': ready(1), '/var/lib/plexus/node.json': nodeFile({ primary }) }
    const system = fakeSystem({ files, plugin: () => ({ kind: 'not-started', reason: 'busy', cause: 'Text file busy' }) })
    const before = system.now
    expect(call(system, 'STATUS').out).toMatchObject({ code: 50, msg: expect.stringContaining('Text file busy') })
    expect(system.now - before).toBeLessThanOrEqual(2_000)
  })

  function statusOf(world: { now: number; ready?: string; node?: string; plugin?: string }): ReturnType<typeof call> {
    const { now, plugin } = world
    const files = {
      ...(world.ready && { '/run/plexus/ready': world.ready }),
      ...(world.node && { '/var/lib/plexus/node.json': world.node }),
    }
    const system = fakeSystem({ files, plugin: () => (plugin === undefined ? undefined : { kind: 'exited', code: 1, stdout: plugin }) })
    system.now = now
    return call(system, 'STATUS')
  }
})
