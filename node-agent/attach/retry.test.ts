import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DelegateError } from '#api/socket'
import { fakeMetrics } from '#kube/process/metrics.fake'
import type { Outcome } from '#kube/controller'
import type { PluginRunner } from '../delegates/plugin-process.ts'
import { tryLock } from '../delegates/sandbox-lock.ts'
import { finish, openRetryQueue, startRetry } from './retry.ts'
import { openTestContext, sandbox, type TestContext } from './testing/context.ts'

const signal = new AbortController().signal
let directory = ''
let context: TestContext
/** Answers of the plugin, one per run; success when there is none. */
let answers: DelegateError[]
let runs: number
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'retry-'))
  context = await openTestContext(directory)
  answers = []
  runs = 0
})
afterEach(() => rm(directory, { recursive: true }))

const lockDir = (): string => join(directory, 'locks')
const runner: PluginRunner = {
  run: async () => {
    runs += 1
    return answers.shift()
  },
}
const busy: DelegateError = { plugin: 'bridge', code: 100, msg: 'busy' }
const look = (): Promise<Outcome> => finish(context, { runner, lockDir: lockDir() }, { containerId: 'c1', signal })

describe('one look at a sandbox', () => {
  it.each([
    ['planned', sandbox({ state: 'planned' }), 'gone', 1],
    ['deleting', sandbox({ state: 'deleting' }), 'gone', 1],
    ['attached and whole', sandbox(), 'attached', 0],
  ] as const)('finishes one that is %s', async (_, record, state, expectedRuns) => {
    await context.journal.create(record)
    expect([await look(), await look()]).toEqual([{ kind: 'done' }, { kind: 'done' }])
    expect([(await context.journal.read('c1'))?.state, runs]).toEqual([state, expectedRuns])
  })

  it('waits while its shim lives', async () => {
    await context.journal.create(sandbox({ state: 'planned' }))
    const shim = await tryLock(join(lockDir(), 'c1'))
    expect([await look(), runs]).toEqual([{ kind: 'waiting', for: expect.any(String), afterMs: 5000 }, 0])
    await shim?.release()
    expect(await look()).toEqual({ kind: 'done' })
  })

  it('keeps what failed, with its error', async () => {
    answers = [busy]
    await context.journal.create(sandbox({ state: 'deleting' }))
    expect(await look()).toMatchObject({ kind: 'retry' })
    expect(await context.journal.read('c1')).toMatchObject({ state: 'deleting', lastError: 'bridge: busy' })
  })

  it('pays an owed status once', async () => {
    await context.journal.create(sandbox({ statusPending: true }))
    await look()
    expect((await context.journal.read('c1'))?.statusPending).toBeUndefined()
  })

  it('keeps owing while the API server refuses', async () => {
    await context.journal.create(sandbox({ statusPending: true }))
    const refusing = { ...context, status: { write: () => Promise.reject(new Error('refused')) } }
    await expect(finish(refusing, { runner, lockDir: lockDir() }, { containerId: 'c1', signal })).rejects.toThrow('refused')
    expect((await context.journal.read('c1'))?.statusPending).toBe(true)
  })
})

it('is tried again from a second to five minutes apart, until it is done', async () => {
  answers = Array.from({ length: 12 }, () => busy)
  await context.journal.create(sandbox({ state: 'deleting' }))
  const { clock } = context
  const { queue, later } = openRetryQueue({ clock, random: () => 1, metrics: fakeMetrics() })
  const worker = startRetry(context, { queue, runner, lockDir: lockDir(), metrics: fakeMetrics() })
  later.lookAfter('c1', 0)
  const waits: number[] = []
  while ((await context.journal.read('c1'))?.state !== 'gone') {
    const wait = worker.active() === 0 ? clock.nextTimer() : undefined
    if (wait === undefined || runs === waits.length) await new Promise((resolve) => setImmediate(resolve))
    else {
      waits.push(wait)
      await clock.advance(wait)
    }
  }
  await worker.stop()
  expect(waits.map((wait) => Math.round(wait / 1000))).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300])
})
