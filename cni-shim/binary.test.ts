import { execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attachment, nodeFile, plan } from './testing/build.ts'
import { buildShim, openWorld, type Running, until, type World, writeUnder } from './testing/world.ts'

let folder = ''
let binary = ''
let world: World
let alone: ReturnType<typeof startAlone> & { readonly busy: number }
type Alone = Running & { readonly world: World }
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shim-binary-'))
  binary = await buildShim(folder)
  const started = startAlone()
  // A file that is open for writing cannot be executed (ETXTBSY).
  alone = { ...started, busy: openSync(join(started.shims.installing.world.folder, 'bin/macvlan'), 'r+') }
}, 600_000)
afterAll(async () => {
  await Promise.all(alone.worlds.map((one) => one.close()))
  rmSync(folder, { recursive: true })
})
beforeEach(() => void (world = openWorld(binary)))
afterEach(() => world.close())

const two = plan(attachment('cluster', 'eth0', 'bridge+portmap'), attachment('shop/a', 'net1', 'macvlan'))
const answers =
  (operation: object = two) =>
  (path: string): object =>
    path === '/v1/commit' ? { result: { cniVersion: '1.1.0', ips: [] } } : path === '/v1/detached' ? {} : operation
const lockPath = (): string => join(world.run, 'locks/abc')
const free = (): boolean => spawnSync('flock', ['-n', lockPath(), 'true']).status === 0

function record(state: string): object {
  return { version: 1, containerId: 'abc', state, attachments: two.attachments, binDirs: [], bootId: 'b', changedAt: 1 }
}

describe('the binary', () => {
  it('is static, small and says its version', () => {
    expect(statSync(binary).size).toBeLessThanOrEqual(1.5 * 1024 * 1024)
    expect(readFileSync(binary).toString('latin1')).toMatch(/plexus-cni-shim \d+\.\d+\.\d+/)
    expect(spawnSync(binary, { env: {} }).stderr.toString()).toMatch(/^plexus-cni-shim \d/)
  })

  it('answers VERSION', async () => {
    expect(await world.start('VERSION').ended).toMatchObject({
      code: 0,
      out: { cniVersion: '1.1.0', supportedVersions: expect.arrayContaining(['0.3.0', '1.1.0']) },
    })
  })

  it("refuses the node's own netns", async () => {
    expect(await world.start('ADD', { env: { CNI_NETNS: '/proc/self/ns/net' } }).ended).toMatchObject({ code: 1, out: { code: 4 } })
  })
})

describe('ADD', () => {
  it('plans, executes, commits, prints and logs', async () => {
    await world.agent(answers())
    expect(await world.start('ADD').ended).toEqual({ code: 0, out: { cniVersion: '1.1.0', ips: [] }, stderr: '' })
    expect(world.calls()).toEqual(['POST /v1/plan', 'ADD bridge eth0', 'ADD portmap eth0', 'ADD macvlan net1', 'POST /v1/commit'])
    expect(world.stdinOf('portmap', 'ADD')).toMatchObject({ name: 'cluster', prevResult: { ips: [{ address: '10.1.0.2/24' }] } })
    expect(JSON.parse(readFileSync(join(world.run, 'shim.log'), 'utf8'))).toMatchObject({
      verb: 'ADD',
      containerId: 'abc',
      pod: 'shop/web',
    })
  })

  it("keeps a delegate's code and stderr, and rolls back", async () => {
    await world.agent(answers())
    world.on('macvlan', 'ADD', `echo complaint >&2; echo '{"code":103,"msg":"no carrier"}'; exit 1`)
    const ended = await world.start('ADD').ended
    expect(ended).toMatchObject({
      code: 1,
      out: { code: 103, msg: 'ADD of network "shop/a" on net1: plugin macvlan: no carrier' },
      stderr: 'complaint\n',
    })
    expect(world.calls().slice(3)).toEqual([
      'ADD macvlan net1',
      'DEL macvlan net1',
      'DEL portmap eth0',
      'DEL bridge eth0',
      'POST /v1/detached',
    ])
  })

  it('ends a delegate that hangs, with its children', async () => {
    const hanging = plan(attachment('cluster', 'eth0', 'bridge', { timeoutMs: 500 }))
    await world.agent(answers(hanging))
    world.on('bridge', 'ADD', 'sleep 600 & echo $! > "$WORLD/child"; wait')
    expect((await world.start('ADD').ended).out).toMatchObject({ code: 11, msg: expect.stringContaining('did not end within 0.5 s') })
    expect(world.calls()).toEqual(['POST /v1/plan', 'ADD bridge eth0', 'DEL bridge eth0', 'POST /v1/detached'])
    await until(() => !isAlive(Number(readFileSync(join(world.folder, 'child'), 'utf8'))))
  })

  it('does not wait for what a delegate left behind on its stdout', async () => {
    await world.agent(answers(plan(attachment('cluster', 'eth0', 'bridge'))))
    world.on('bridge', 'ADD', 'sleep 600 2>/dev/null & echo $! > "$WORLD/child"')
    expect((await world.start('ADD').ended).code).toBe(0)
    process.kill(Number(readFileSync(join(world.folder, 'child'), 'utf8')))
  })

  it('passes a megabyte in and out, whether the delegate reads it or not', async () => {
    const filler = 'ü'.repeat(500_000)
    const large = plan(attachment('cluster', 'eth0', 'bridge', { plugins: [{ cniVersion: '1.0.0', name: 'c', type: 'bridge', filler }] }))
    await world.agent(answers(large))
    world.on('bridge', 'DEL', 'exit 0')
    expect((await world.start('ADD').ended).code).toBe(0)
    expect(world.stdinOf('bridge', 'ADD')['filler']).toBe(filler)
    expect((await world.start('DEL').ended).code).toBe(0)
  })

  it.each([
    ['at the plan', '/v1/plan', ['POST /v1/plan']],
    ['at the commit', '/v1/commit', ['POST /v1/plan', 'ADD bridge eth0', 'POST /v1/commit', 'DEL bridge eth0', 'POST /v1/detached']],
  ])('is 11 and leaves nothing when the agent dies %s', async (_, death, calls) => {
    const one = plan(attachment('cluster', 'eth0', 'bridge'))
    await world.agent((path) => (path === death ? undefined : answers(one)(path)))
    expect((await world.start('ADD').ended).out).toMatchObject({ code: 11, details: 'AgentUnavailable' })
    expect(world.calls()).toEqual(calls)
  })
})

describe('the lock of a sandbox', () => {
  it('is waited for', async () => {
    await world.agent(answers())
    writeUnder(lockPath(), '')
    const holder = spawn('flock', [lockPath(), 'sh', '-c', 'read line; echo released >> "$1"', 'sh', join(world.folder, 'calls')], {
      stdio: ['pipe', 'inherit', 'inherit'],
    })
    await until(() => !free())
    const shim = world.start('DEL')
    await until(() => new RegExp(`-> FLOCK .* ${shim.process.pid} `).test(readFileSync('/proc/locks', 'utf8')))
    holder.stdin?.end('\n')
    expect((await shim.ended).code).toBe(0)
    expect(world.calls().slice(0, 2)).toEqual(['released', 'POST /v1/del'])
  })

  it('is held by a delegate that outlives a killed shim', async () => {
    await world.agent(answers())
    execFileSync('mkfifo', [join(world.folder, 'gate')])
    world.on('bridge', 'ADD', 'read line < "$WORLD/gate"')
    const shim = world.start('ADD')
    await until(() => world.calls().includes('ADD bridge eth0'))
    shim.process.kill('SIGKILL')
    await until(() => shim.process.signalCode === 'SIGKILL')
    expect(free()).toBe(false)
    writeFileSync(join(world.folder, 'gate'), 'go\n', { flag: 'r+' }) // Opened for both, a pipe never blocks.
    await until(free)
    await shim.ended
  })

  it('is taken on the file that is there now, not on one that was removed', async () => {
    await world.agent(answers())
    writeUnder(lockPath(), '')
    world.on('bridge', 'DEL', 'flock -n "$WORLD/run/locks/abc" true && echo stolen >> "$WORLD/calls"')
    // The holder replaces the file before it lets go: the shim must not take the orphan for the lock.
    const replace = 'read line; rm "$1"; : > "$1"'
    const holder = spawn('flock', [lockPath(), 'sh', '-c', replace, 'sh', lockPath()], {
      stdio: ['pipe', 'inherit', 'inherit'],
    })
    await until(() => !free())
    const shim = world.start('DEL')
    await until(() => readFileSync('/proc/locks', 'utf8').includes(`FLOCK  ADVISORY  WRITE ${shim.process.pid} `))
    holder.stdin?.end('\n')
    expect((await shim.ended).code).toBe(0)
    expect(world.calls()).toContain('DEL bridge eth0')
    expect(world.calls()).not.toContain('stolen')
  })
})

/** Shims that wait for an agent that is away, as long as a runtime would see them wait: all at the same time, while the other tests run. */
function startAlone(): {
  readonly worlds: readonly World[]
  readonly shims: Readonly<Record<'plain' | 'asking' | 'installing' | 'del' | 'symlink', Alone>>
} {
  const start = (verb: string, prepare: (world: World) => void, annotations: object = {}): Alone => {
    const own = openWorld(binary)
    prepare(own)
    return { world: own, ...own.start(verb, { conf: { runtimeConfig: { 'io.kubernetes.cri.pod-annotations': annotations } } }) }
  }
  const nodeWith =
    (type: string) =>
    ({ state }: World): void =>
      writeUnder(
        join(state, 'node.json'),
        nodeFile({ primary: { name: type, cniVersion: '1.0.0', plugins: [{ cniVersion: '1.0.0', name: type, type }] } }),
      )
  const recorded = JSON.stringify(record('attached'))
  const shims = {
    plain: start('ADD', nodeWith('bridge'), { note: 'x' }),
    asking: start('ADD', nodeWith('bridge'), { 'k8s.v1.cni.cncf.io/networks': 'a' }),
    installing: start('ADD', nodeWith('macvlan')),
    del: start('DEL', ({ state }) => writeUnder(join(state, 'sandboxes/abc.json'), recorded)),
    symlink: start('DEL', ({ state }) => {
      writeUnder(join(state, 'sandboxes/elsewhere'), recorded)
      symlinkSync(join(state, 'sandboxes/elsewhere'), join(state, 'sandboxes/abc.json'))
    }),
  }
  return { worlds: Object.values(shims).map((one) => one.world), shims }
}

describe('without the agent', () => {
  const spooled = ({ state }: World): unknown => {
    const [name = '', ...more] = readdirSync(join(state, 'spool'))
    expect([name, more]).toEqual([expect.stringMatching(/^abc-\d+\.json$/), []])
    return JSON.parse(readFileSync(join(state, 'spool', name), 'utf8'))
  }

  it('DEL executes the record in reverse and spools', async () => {
    const { ended, world: own } = alone.shims.del
    expect(await ended).toEqual({ code: 0, out: undefined, stderr: '' })
    expect(own.calls()).toEqual(['DEL macvlan net1', 'DEL portmap eth0', 'DEL bridge eth0'])
    expect(spooled(own)).toMatchObject({ containerId: 'abc', executed: true, outcomes: [{ ifName: 'net1' }, { ifName: 'eth0' }] })
  })

  it('DEL never follows a symlink in place of a record', async () => {
    const { ended, world: own } = alone.shims.symlink
    expect((await ended).code).toBe(0)
    expect(own.calls()).toEqual([])
    expect(spooled(own)).toMatchObject({ executed: false })
  })

  it('ADD gives a plain pod the primary', async () => {
    const { ended, world: own } = alone.shims.plain
    expect(await ended).toMatchObject({ code: 0, out: { cniVersion: '1.1.0', ips: [{ address: '10.1.0.2/24' }] } })
    expect(JSON.parse(readFileSync(join(own.state, 'sandboxes/abc.json'), 'utf8'))).toMatchObject({ state: 'attached', origin: 'shim' })
    expect(readdirSync(join(own.state, 'sandboxes'))).toEqual(['abc.json'])
  }, 60_000)

  it('ADD refuses a pod that asks for more', async () => {
    const { ended, world: own } = alone.shims.asking
    expect((await ended).out).toMatchObject({ code: 11, msg: expect.stringContaining('the pod asks for further networks') })
    expect([own.calls(), existsSync(join(own.state, 'sandboxes'))]).toEqual([[], false])
  }, 60_000)

  it('ADD waits for a plugin that is being written', async () => {
    const { ended, world: own } = alone.shims.installing
    await until(() => existsSync(join(own.state, 'sandboxes/abc.json'))) // From here on the plugin is tried.
    closeSync(alone.busy)
    expect((await ended).code).toBe(0)
    expect(own.calls()).toEqual(['ADD macvlan eth0'])
  }, 60_000)
})

describe('STATUS', () => {
  it('is well without a socket when the primary is', async () => {
    const primary = { name: 'cluster', cniVersion: '1.1.0', plugins: [{ cniVersion: '1.1.0', name: 'cluster', type: 'bridge' }] }
    writeUnder(join(world.state, 'node.json'), nodeFile({ primary }))
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    writeUnder(join(world.run, 'ready'), JSON.stringify({ bootId, at: 1 }))
    expect(await world.start('STATUS').ended).toEqual({ code: 0, out: undefined, stderr: '' })
    world.on('bridge', 'STATUS', `echo '{"code":50,"msg":"no uplink"}'; exit 1`)
    expect((await world.start('STATUS').ended).out).toMatchObject({ code: 50, msg: expect.stringContaining('no uplink') })
    expect(world.calls()).toEqual(['STATUS bridge', 'STATUS bridge'])
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^State:\sZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
