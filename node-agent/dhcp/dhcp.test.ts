import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '#api/json'
import type { DelegateError } from '#api/socket'
import { rounds, until } from '#kube/testing/until'
import { openTestContext, sandbox, type TestContext } from '../attach/testing/context.ts'
import type { PluginCall } from '../delegates/plugin-process.ts'
import { tryLock } from '../delegates/sandbox-lock.ts'
import { fakeDaemon, type FakeDaemon } from './daemon-process.fake.ts'
import { type Dhcp, startDhcp } from './dhcp.ts'

const signal = new AbortController().signal
const LEASED = { type: 'macvlan', name: 'lan', cniVersion: '1.0.0', ipam: { type: 'dhcp' } }
let directory: string
let context: TestContext
let daemon: FakeDaemon
let dhcp: Dhcp | undefined
let calls: PluginCall[]
let failure: DelegateError | undefined

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dhcp-'))
  await mkdir(join(directory, 'netns'))
  context = await openTestContext(directory)
  ;[daemon, calls, failure, dhcp] = [fakeDaemon(), [], undefined, undefined]
})
afterEach(async () => {
  await dhcp?.stop()
  await rm(directory, { recursive: true })
})

const start = (): Dhcp => {
  const run = async (call: PluginCall): Promise<DelegateError | undefined> => {
    calls.push(call)
    return failure
  }
  const { journal, byKey, clock, log } = context
  const lockDir = join(directory, 'locks')
  dhcp = startDhcp({ journal, byKey, clock, log, daemon, runner: { run }, lockDir, binDirs: () => ['/opt/cni/bin'], random: () => 0 })
  return dhcp
}

/** A record of an earlier agent with one network of this plugin. */
async function recorded(plugin: JsonObject, state: 'attached' | 'deleting' = 'attached'): Promise<void> {
  const place = { network: 'shop/lan', ifName: 'net1', primary: false, required: true, cniArgs: 'K=V', timeoutMs: 1000 }
  const netns = join(directory, 'netns')
  await context.journal.create(sandbox({ containerId: 'c1', netns, state, attachments: [{ ...place, plugins: [plugin] }] }))
}

describe('a node with networks of ipam dhcp', () => {
  it('has no daemon until a pod needs one', async () => {
    const started = start()
    await started.serve('c1', [{ plugins: [{ type: 'macvlan', ipam: { type: 'host-local' } }, { type: 'tuning' }] }], signal)
    expect(daemon.steps).toEqual([])
    await started.serve('c1', [{ plugins: [LEASED] }], signal)
    expect(daemon.steps).toEqual(['remove socket', 'start'])
  })

  it('leaves pods alone whose conf names another daemon', async () => {
    await start().serve('c1', [{ plugins: [{ ...LEASED, ipam: { type: 'dhcp', daemonSocketPath: '/run/mine.sock' } }] }], signal)
    expect(daemon.steps).toEqual([])
  })

  it('refuses a pod whose daemon does not serve, to be tried again', async () => {
    daemon.mute = true
    const refused = start().serve('c1', [{ plugins: [LEASED] }], signal)
    const told = expect(refused).rejects.toMatchObject({ code: 'TryAgainLater', message: expect.stringContaining('does not serve') })
    await rounds(5)
    await context.clock.advance(5000)
    await told
  })

  it('tells a new daemon the leases of the pods that are recorded, as the ADD did', async () => {
    await recorded(LEASED)
    start()
    await until('the lease is taken up', () => calls.length === 1)
    const env = { CNI_CONTAINERID: 'c1', CNI_NETNS: join(directory, 'netns'), CNI_IFNAME: 'net1', CNI_ARGS: 'K=V' }
    expect(calls).toMatchObject([{ type: 'dhcp', command: 'CHECK', env, stdin: LEASED }])
  })

  it('tells it again after the daemon died, and when the server did not answer', async () => {
    await recorded(LEASED)
    failure = { plugin: 'dhcp', code: 100, msg: 'no more tries' }
    start()
    await until('it was tried', () => calls.length === 1)
    failure = undefined
    await until('it waits for the next try', () => context.clock.timers() === 2)
    await context.clock.advance(60_000)
    await until('it was tried again', () => calls.length === 2)
    await until('nothing is owed', () => context.clock.timers() === 1)
    daemon.die()
    await until('it is started soon', () => context.clock.nextTimer() === 500)
    await context.clock.advance(1000)
    await until('the new daemon was told', () => calls.length === 3)
  })

  it('keeps the daemon for a pod that is still to be detached, without asking for its lease', async () => {
    await recorded(LEASED, 'deleting')
    start()
    await until('the daemon runs', () => daemon.listening)
    await rounds(5)
    expect(calls).toEqual([])
  })

  it('does not disturb a shim that works on the sandbox', async () => {
    await recorded(LEASED)
    const lock = await tryLock(join(directory, 'locks', 'c1'))
    start()
    await until('it waits for the next try', () => context.clock.timers() === 2)
    expect(calls).toEqual([])
    await lock?.release()
    await context.clock.advance(60_000)
    await until('then it is told', () => calls.length === 1)
  })

  it('ends the daemon a while after the last pod is gone', async () => {
    await recorded(LEASED)
    start()
    await until('the lease is taken up', () => calls.length === 1)
    await context.journal.write({ ...sandbox({ containerId: 'c1' }), state: 'gone', attachments: [] })
    await rounds(5)
    await context.clock.advance(120_000)
    expect(daemon.steps.at(-1)).toBe('end')
  })
})
