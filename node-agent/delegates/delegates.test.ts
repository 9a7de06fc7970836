import { existsSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SandboxRecord } from '#api/sandbox-record'
import { fakeClock } from '#kube/process/clock.fake'
import { until } from '#kube/testing/until'
import { systemClock } from '#kube/process/system-clock'
import { attachOne } from './attach-one.ts'
import { detachAll } from './detach.ts'
import { openPluginRunner, type PluginCall } from './plugin-process.ts'
import { tryLock } from './sandbox-lock.ts'

const signal = new AbortController().signal
let directory = ''
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'delegates-'))))
afterEach(() => rm(directory, { recursive: true }))

const at = (name: string): string => join(directory, name)
const plugin = (name: string, script: string): Promise<void> => writeFile(at(name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
const runner = openPluginRunner({ remount: false, clock: systemClock() })

function call(change: Partial<PluginCall> = {}): PluginCall {
  const env = { CNI_CONTAINERID: 'c1', CNI_NETNS: '', CNI_IFNAME: 'net1', CNI_ARGS: 'K=V' }
  return { type: 'p', command: 'DEL', env, binDirs: [at('none'), directory], stdin: { type: 'p' }, timeoutMs: 10_000, signal, ...change }
}

/** The file's text as soon as it is there. */
async function appeared(path: string): Promise<string> {
  await until(`${path} is there`, () => existsSync(path))
  return readFile(path, 'utf8')
}

async function isAlive(pid: string): Promise<boolean> {
  const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z ')
  return !state.includes(') Z ')
}

describe('a plugin executed by the agent', () => {
  it('gets the CNI environment and its stdin', async () => {
    await plugin('p', `env | grep CNI_ | sort > ${at('env')}; cat > ${at('stdin')}`)
    expect(await runner.run(call())).toBeUndefined()
    const env = `CNI_ARGS=K=V\nCNI_COMMAND=DEL\nCNI_CONTAINERID=c1\nCNI_IFNAME=net1\nCNI_NETNS=\nCNI_PATH=${at('none')}:${directory}\n`
    expect([await readFile(at('env'), 'utf8'), await readFile(at('stdin'), 'utf8')]).toEqual([env, '{"type":"p"}'])
  })

  it.each([
    ["the plugin's own code and sentence", `echo '{"code":103,"msg":"no","details":"why"}'; exit 1`, { code: 103, msg: 'no: why' }],
    ['100 for one that only complains', 'echo broken >&2; exit 3', { code: 100, msg: 'it ended with code 3: broken' }],
    ['100 for one that is killed', 'kill -9 $$', { code: 100, msg: 'it ended with SIGKILL' }],
    ['nothing for one that does not read its stdin', 'exit 0', undefined],
  ])('fails with %s', async (_, script, error) => {
    await plugin('p', script)
    expect(await runner.run(call())).toEqual(error === undefined ? undefined : { plugin: 'p', ...error })
  })

  it('is ended with its children at its limit', async () => {
    await plugin('p', `sleep 600 & echo $! > ${at('part')}; mv ${at('part')} ${at('child')}; wait`)
    const clock = fakeClock()
    const running = openPluginRunner({ remount: false, clock }).run(call({ timeoutMs: 300 }))
    const child = await appeared(at('child'))
    await clock.advance(301)
    expect(await running).toMatchObject({ code: 11, msg: expect.stringContaining('did not end within 300 ms') })
    await until('the child is ended', async () => !(await isAlive(child.trim())))
  })

  it.each(['../p', 'missing', '.', ''])('is not looked for outside of the directories: %s', async (type) => {
    await plugin('p', 'exit 0')
    expect(await runner.run(call({ type }))).toMatchObject({ code: 7, msg: expect.stringContaining('install it there') })
  })
})

describe("a sandbox's lock", () => {
  it('is refused while a shim holds it and free when it ends', async () => {
    const shim = spawn('flock', [at('lock'), 'sh', '-c', 'echo held; exec sleep 600'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    })
    await once(shim.stdout, 'data')
    expect(await tryLock(at('lock'))).toBeUndefined()
    process.kill(-(shim.pid ?? 0), 'SIGKILL')
    await once(shim, 'close')
    const lock = await tryLock(at('lock'))
    expect(await tryLock(at('lock'))).toBeUndefined()
    await lock?.release()
    const again = await tryLock(at('lock'))
    expect(again).toBeDefined()
    await again?.release()
  })

  it('lives as long as a plugin that inherited it', async () => {
    await plugin('p', `echo started > ${at('started')}; while [ ! -e ${at('go')} ]; do sleep 0.01; done`)
    const lock = await tryLock(at('lock'))
    const running = runner.run(call({ lockFd: lock?.fd ?? -1 }))
    await appeared(at('started'))
    await lock?.release()
    expect(await tryLock(at('lock'))).toBeUndefined()
    await writeFile(at('go'), '')
    await running
    const after = await tryLock(at('lock'))
    expect(after).toBeDefined()
    await after?.release()
  })
})

describe('detaching a sandbox', () => {
  const attachment = (network: string, types: readonly string[], result?: Record<string, string>) => ({
    network,
    ifName: network,
    primary: false,
    required: true,
    cniArgs: '',
    plugins: types.map((type) => ({ type, cniVersion: '1.0.0', name: network })),
    timeoutMs: 10_000,
    ...(result === undefined ? {} : { result }),
  })
  const record = (attachments: SandboxRecord['attachments']): SandboxRecord => ({
    version: 1,
    containerId: 'c1',
    state: 'deleting',
    origin: 'agent',
    pod: { namespace: '', name: '', uid: '' },
    netns: at('gone'),
    ifName: 'eth0',
    cniVersion: '1.0.0',
    binDirs: [directory],
    bootId: '',
    changedAt: 0,
    changed: '',
    attachments,
  })

  it('runs everything in reverse, goes on after a failure, and keeps the code', async () => {
    const note = `echo "$CNI_COMMAND $CNI_IFNAME netns=$CNI_NETNS $(basename $0)" >> ${at('calls')}`
    await Promise.all([plugin('a', note), plugin('b', `${note}; echo '{"code":105,"msg":"busy"}'; exit 1`), plugin('c', note)])
    const sandbox = record([attachment('one', ['a', 'c']), attachment('two', ['a', 'b']), attachment('three', ['c'])])
    const lock = await tryLock(at('lock'))
    const outcomes = await detachAll(sandbox, { runner, binDirs: [], lockFd: lock?.fd ?? -1, signal })
    await lock?.release()
    expect(outcomes).toEqual([
      { network: 'three', ifName: 'three' },
      { network: 'two', ifName: 'two', error: { plugin: 'b', code: 105, msg: 'busy' } },
      { network: 'one', ifName: 'one' },
    ])
    expect((await readFile(at('calls'), 'utf8')).trim().split('\n')).toEqual([
      'DEL three netns= c',
      'DEL two netns= b',
      'DEL one netns= c',
      'DEL one netns= a',
    ])
  })

  it("hands the ADD's result to every plugin", async () => {
    await plugin('a', `cat > ${at('stdin')}`)
    const lock = await tryLock(at('lock'))
    await detachAll(record([attachment('one', ['a'], { cniVersion: '1.0.0' })]), { runner, binDirs: [], lockFd: lock?.fd ?? -1, signal })
    await lock?.release()
    expect(JSON.parse(await readFile(at('stdin'), 'utf8'))).toEqual({
      type: 'a',
      cniVersion: '1.0.0',
      name: 'one',
      prevResult: { cniVersion: '1.0.0' },
    })
  })
})

describe('attaching one network', () => {
  const attachment = { network: 'shop/a', ifName: 'net1', primary: false, required: true, cniArgs: 'K=V', timeoutMs: 10_000 }
  const plugins = (...types: readonly string[]) => types.map((type) => ({ type, cniVersion: '1.0.0', name: 'a' }))
  const record = { containerId: 'c1', netns: '/run/netns/c1', binDirs: [] as readonly string[] }
  const attach = async (...types: readonly string[]) => {
    const lock = await tryLock(at('lock'))
    const options = { runner, binDirs: [directory], lockFd: lock?.fd ?? -1, signal }
    const outcome = await attachOne(record, { ...attachment, plugins: plugins(...types) }, options)
    await lock?.release()
    return outcome
  }

  it('runs the plugins in order, each with the result before it, and answers the last', async () => {
    await plugin('a', `echo "$CNI_COMMAND $CNI_IFNAME $CNI_NETNS $CNI_ARGS $CNI_CONTAINERID" > ${at('env')}; echo '{"ips": []}'`)
    await plugin('b', `cat > ${at('stdin')}; echo '{"cniVersion": "1.0.0", "dns": {"domain": "x"}}'`)
    expect(await attach('a', 'b')).toEqual({ ok: true, result: { cniVersion: '1.0.0', dns: { domain: 'x' } } })
    expect(await readFile(at('env'), 'utf8')).toBe('ADD net1 /run/netns/c1 K=V c1\n')
    expect(JSON.parse(await readFile(at('stdin'), 'utf8'))).toMatchObject({ type: 'b', prevResult: { cniVersion: '1.0.0', ips: [] } })
  })

  it.each([
    ["the plugin's own code", `echo '{"code": 105, "msg": "full"}'; exit 1`, { code: 105, msg: 'full' }],
    ['what is no result', 'echo done', { code: 6, msg: expect.stringContaining('not a result') }],
    [
      'a result that cannot be read',
      `echo '{"cniVersion": "1.0.0", "ips": 7}'`,
      { code: 100, msg: expect.stringContaining('its result cannot be read') },
    ],
  ])('fails with %s and goes no further', async (_, script, error) => {
    await plugin('a', script)
    await plugin('b', `echo ran > ${at('ran')}; cat > /dev/null; echo '{}'`)
    const types = error.code === 100 ? ['a'] : ['a', 'b']
    expect(await attach(...types)).toEqual({ ok: false, error: { plugin: 'a', ...error } })
    expect(await readFile(at('ran'), 'utf8').catch(() => 'not')).toBe('not')
  })

  it.each(['', 'null'])('takes "%s" for an empty result', async (printed) => {
    await plugin('a', `echo '${printed}'`)
    expect(await attach('a')).toEqual({ ok: true, result: { cniVersion: '1.0.0' } })
  })
})
