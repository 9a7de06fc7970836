// How the snapshot outlives the agent, and what happens to a damaged one.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { profileSpec } from '#api/kinds/node-network-profile'
import type { PutMessage } from '#api/stream'
import { openAtomicFiles } from '#kube/process/atomic-file'
import { fakeClock } from '#kube/process/clock.fake'
import { fakeLog } from '#kube/process/log.fake'
import { until } from '#kube/testing/until'
import { openHeldSnapshot, type SnapshotContents } from './held-snapshot.ts'
import { parseSnapshotText, readSnapshotFile, snapshotText, writeSnapshotFile } from './snapshot-file.ts'
import { startSnapshotKeeper } from './snapshot-keeper.ts'

const revision = { epoch: 4, sequence: 17 }
const messages: readonly PutMessage[] = [
  { type: 'put', kind: 'profile', key: 'profile', revision, object: { name: 'p', generation: 1, spec: profileSpec.parse({}) } },
  { type: 'put', kind: 'namespace', key: 'blue', revision, object: { labels: { a: 'b' } } },
  { type: 'put', kind: 'network', key: 'blue/x', revision, object: { state: 'rejected', uid: 'u', generation: 2, message: 'no' } },
]
const contents: SnapshotContents = { revision, messages }
const whole = snapshotText(contents)

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'plexus-snapshot-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

describe('the kept snapshot', () => {
  it('is what was written, readable by root alone', async () => {
    const path = join(dir, 'snapshot.json')
    await writeSnapshotFile(openAtomicFiles({ unique: () => '1' }), path, contents)
    expect(await readSnapshotFile(path, fakeLog())).toEqual(contents)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it.each([
    ['an empty file', ''],
    ['half a file', whole.slice(0, whole.length / 2)],
    ['a file of another version', whole.replace('"version":1', '"version":2')],
    ['a file without revision', whole.replace('"4.17"', '"x"')],
    ['a message of another kind', whole.replace('"network"', '"router"')],
    ['bytes that are no text', '\u0000\u0001'],
    ['a list', '[]'],
  ])('ignores %s with a warning', async (_, text) => {
    const path = join(dir, 'snapshot.json')
    writeFileSync(path, text)
    const log = fakeLog()
    expect(await readSnapshotFile(path, log)).toBeUndefined()
    expect(log.messages('warn')).toEqual(['the kept snapshot is damaged and is ignored; the agent waits for the operator'])
  })

  it('may be missing without a word', async () => {
    const log = fakeLog()
    expect(await readSnapshotFile(join(dir, 'none'), log)).toBeUndefined()
    expect(log.lines).toEqual([])
  })

  it('is refused as a whole when one message is bad', () => {
    expect(parseSnapshotText(whole.replace('"labels":{"a":"b"}', '"labels":3'))).toMatch(/labels/)
  })
})

describe('keeping it', () => {
  const start = (): {
    readonly clock: ReturnType<typeof fakeClock>
    readonly keeper: ReturnType<typeof startSnapshotKeeper>
    readonly put: (generation: number) => void
    readonly begin: () => void
    readonly sync: () => void
    readonly writes: () => number
  } => {
    const clock = fakeClock()
    const snapshot = openHeldSnapshot({ clock })
    let writes = 0
    const real = openAtomicFiles({ unique: () => String(writes) })
    const files = {
      ...real,
      write: async (...args: Parameters<typeof real.write>) => {
        writes += 1
        await real.write(...args)
      },
    }
    const keeper = startSnapshotKeeper({ snapshot, files, path: join(dir, 's.json'), clock, log: fakeLog() })
    return {
      clock,
      keeper,
      put: (generation) =>
        void snapshot.apply({ type: 'put', kind: 'network', key: 'a/x', revision, object: { state: 'usable', uid: 'u', generation } }),
      begin: () => snapshot.begin(false),
      sync: () => void snapshot.apply({ type: 'synced', revision }),
      writes: () => writes,
    }
  }

  it('writes nothing before a snapshot is complete, then soon, then at most once in five seconds', async () => {
    const { clock, keeper, put, begin, sync, writes } = start()
    begin()
    put(1)
    await clock.advance(10_000)
    expect(writes()).toBe(0)
    sync()
    await clock.advance(600)
    await until('the first write', () => writes() === 1)
    for (let generation = 2; generation < 10; generation += 1) {
      put(generation)
      // oxlint-disable-next-line no-await-in-loop
      await clock.advance(400)
    }
    expect(writes()).toBe(1)
    await clock.advance(5000)
    await until('the second write', () => writes() === 2)
    await keeper.stop()
    expect(writes()).toBe(2)
  })

  it('writes what is missing when it stops, and leaves no other file', async () => {
    const { keeper, put, begin, sync } = start()
    begin()
    put(7)
    sync()
    await keeper.stop()
    expect(readdirSync(dir)).toEqual(['s.json'])
    expect(readFileSync(join(dir, 's.json'), 'utf8')).toContain('"generation":7')
  })
})
