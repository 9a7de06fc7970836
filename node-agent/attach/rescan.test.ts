import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SandboxRecord } from '#api/sandbox-record'
import { tryLock } from '../delegates/sandbox-lock.ts'
import { openRescan } from './rescan.ts'
import { openTestContext, sandbox, type TestContext } from './testing/context.ts'

const signal = new AbortController().signal
let directory = ''
let context: TestContext
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rescan-'))
  context = await openTestContext(directory)
})
afterEach(() => rm(directory, { recursive: true }))

const locks = (): string => join(directory, 'locks')
const stateOf = async (): Promise<SandboxRecord['state'] | undefined> => (await context.journal.read('c1'))?.state

/** The sandbox's state after each look, a minute apart. */
async function looks(count: number): Promise<readonly (string | undefined)[]> {
  const rescan = openRescan(context, locks())
  const states: (string | undefined)[] = []
  for (let look = 0; look < count; look += 1) {
    // oxlint-disable-next-line no-await-in-loop
    await rescan.look(signal)
    // oxlint-disable-next-line no-await-in-loop
    states.push(await stateOf())
    // oxlint-disable-next-line no-await-in-loop
    await context.clock.advance(60_000)
  }
  return states
}

describe('a sandbox that its runtime never deleted', () => {
  it('is detached after two looks at a netns and a pod that are gone', async () => {
    await context.journal.create(sandbox())
    expect([await looks(2), context.looks]).toEqual([['attached', 'deleting'], ['c1 0']])
  })

  it('is left alone while its pod exists', async () => {
    context.knownPods.add('shop/web')
    await context.journal.create(sandbox())
    expect(await looks(3)).toEqual(['attached', 'attached', 'attached'])
  })

  it('is detached although its pod exists, when the pod has a newer sandbox that lives', async () => {
    context.knownPods.add('shop/web')
    await context.journal.create(sandbox())
    await context.journal.create(sandbox({ containerId: 'c2', netns: directory, changedAt: 5 }))
    expect(await looks(2)).toEqual(['attached', 'deleting'])
    expect((await context.journal.read('c2'))?.state).toBe('attached')
  })

  it('is left alone when its netns is where the agent cannot see it', async () => {
    await context.journal.create(sandbox({ netns: '/proc/4711/ns/net' }))
    expect(await looks(3)).toEqual(['attached', 'attached', 'attached'])
  })

  it('is left alone while its netns exists', async () => {
    await context.journal.create(sandbox({ netns: directory }))
    expect(await looks(3)).toEqual(['attached', 'attached', 'attached'])
  })

  it('is detached at once when the node was booted since', async () => {
    context.knownPods.add('shop/web')
    await context.journal.create(sandbox({ bootId: 'boot-0' }))
    expect(await looks(1)).toEqual(['deleting'])
  })

  it('is left alone when the API server does not say whether its pod exists', async () => {
    await context.journal.create(sandbox())
    const deaf = { ...context, pods: { ...context.pods, find: () => Promise.reject(new Error('unreachable')) } }
    const rescan = openRescan(deaf, locks())
    await rescan.look(signal)
    await context.clock.advance(60_000)
    await rescan.look(signal)
    expect(await stateOf()).toBe('attached')
  })
})

describe('what was left from before', () => {
  it.each([
    ['a plan without its shim', sandbox({ state: 'planned' })],
    ['a DEL that is not done', sandbox({ state: 'deleting' })],
    ['an owed status', sandbox({ netns: '', statusPending: true })],
    ['a sandbox that a shim attached alone', sandbox({ netns: '', origin: 'shim' })],
  ])('is taken up at the first look, and not put forward again: %s', async (_, record) => {
    await context.journal.create(record)
    await looks(3)
    expect(context.looks).toEqual(['c1 0'])
  })

  it('is adopted when a shim writes it while the agent runs', async () => {
    const rescan = openRescan(context, locks())
    await rescan.look(signal)
    await writeFile(join(directory, 'sandboxes/c1.json'), JSON.stringify(sandbox({ netns: '', origin: 'shim' })))
    await rescan.look(signal)
    expect((await context.journal.read('c1'))?.statusPending).toBe(true)
  })
})

describe('a tombstone', () => {
  const tombstone = sandbox({ state: 'gone', attachments: [] })

  it('stays for an hour and takes its lock file with it', async () => {
    await context.journal.create(tombstone)
    await mkdir(locks())
    await writeFile(join(locks(), 'c1'), '')
    await context.clock.advance(3_599_000)
    expect(await looks(2)).toEqual(['gone', undefined])
    await expect(access(join(locks(), 'c1'))).rejects.toThrow('ENOENT')
  })

  it('stays while somebody works on the sandbox', async () => {
    await context.journal.create(tombstone)
    await context.clock.advance(3_600_000)
    const lock = await tryLock(join(locks(), 'c1'))
    expect(await looks(1)).toEqual(['gone'])
    await lock?.release()
    expect(await looks(1)).toEqual([undefined])
  })
})
