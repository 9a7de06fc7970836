import { execFileSync } from 'node:child_process'
import { link, mkdtemp, open, readdir, rename, rm, unlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SandboxRecord } from '#api/sandbox-record'
import { type AtomicFiles, openAtomicFiles } from '#kube/process/atomic-file'
import type { DurableIo } from '#kube/process/durable-io'
import { fakeClock } from '#kube/process/clock.fake'
import { fakeLog } from '#kube/process/log.fake'
import { type Journal, openJournal } from './journal.ts'
import { attachedRecord, plannedRecord } from './transitions.ts'

const stamp = { bootId: 'b', changedAt: 1, changed: '2026-01-01T00:00:00Z' }
const plugins = [{ type: 'bridge', name: 'cluster', cniVersion: '1.0.0' }]
const attachment = { network: 'cluster', ifName: 'eth0', primary: true, required: true, cniArgs: '', plugins, timeoutMs: 1000 }
const planned = plannedRecord(
  {
    containerId: 'c1',
    pod: { namespace: 'n', name: 'p', uid: 'u' },
    netns: '/x',
    ifName: 'eth0',
    cniVersion: '1.0.0',
    binDirs: [],
    attachments: [attachment],
  },
  stamp,
)
const attached = attachedRecord(planned, { attachments: planned.attachments, statusPending: false }, stamp)

let directory = ''
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'journal-'))))
afterEach(() => rm(directory, { recursive: true }))

const corrupt: string[] = []
let unique = 0
const opened = (files: AtomicFiles): Promise<Journal> =>
  openJournal({ directory, files, log: fakeLog(), clock: fakeClock(Date.now()), onCorrupt: (path) => void corrupt.push(path) })
const atomic = (io?: DurableIo): AtomicFiles => openAtomicFiles({ unique: () => `u${(unique += 1)}`, ...(io === undefined ? {} : { io }) })

/** The real file system; counts fsyncs and, at step `dieAt`, ends like a process that is killed: nothing happens any more. */
function io(dieAt = Number.POSITIVE_INFINITY): DurableIo & { readonly steps: () => number; readonly fsyncs: () => number } {
  let steps = 0
  let fsyncs = 0
  const step = <T>(work: () => Promise<T>): Promise<T> => {
    steps += 1
    return steps >= dieAt ? Promise.reject(new Error('killed')) : work()
  }
  return {
    steps: () => steps,
    fsyncs: () => fsyncs,
    open: async (path, flags, mode) => {
      const file = await step(() => open(path, flags, mode))
      return {
        writeFile: (data: string) => step(() => file.writeFile(data)),
        chmod: (bits: number) => step(() => file.chmod(bits)),
        sync: () => {
          fsyncs += 1
          return step(() => file.sync())
        },
        close: () => file.close(),
      }
    },
    rename: (from, to) => step(() => rename(from, to)),
    link: (from, to) => step(() => link(from, to)),
    unlink: (path) => step(() => unlink(path)),
  }
}

describe('the journal', () => {
  it('gives back what was written, to the next agent too', async () => {
    const journal = await opened(atomic())
    expect(await journal.create(planned)).toBe(true)
    await journal.write(attached)
    expect(await (await opened(atomic())).read('c1')).toEqual(attached)
    expect((await opened(atomic())).summaries).toEqual(new Map([['c1', { state: 'attached', pod: attached.pod, networks: [] }]]))
  })

  it('lets one ADD create a record', async () => {
    const journal = await opened(atomic())
    expect([await journal.create(planned), await journal.create(planned)]).toEqual([true, false])
  })

  it.each([
    ['a directory', 'mkdir "$0"'],
    ['a pipe without a writer', 'mkfifo "$0"'],
    ['a link to itself', 'ln -s c1.json "$0"'],
    ['larger than any record', 'head -c 9000000 /dev/zero > "$0"'],
  ])('opens although a record is %s, and sets it aside', async (_, make) => {
    execFileSync('sh', ['-c', make, join(directory, 'c1.json')])
    const journal = await opened(atomic())
    expect(await readdir(directory)).toEqual(['c1.json.corrupt'])
    expect(await journal.create(planned)).toBe(true)
  })

  it('spends two fsyncs on a plan and two on a commit', async () => {
    const counted = io()
    const journal = await opened(atomic(counted))
    await journal.create(planned)
    expect(counted.fsyncs()).toBe(2)
    await journal.write(attached)
    expect(counted.fsyncs()).toBe(4)
  })

  it.each(['{"version":1', '', '[]', '{"version":2}', JSON.stringify({ ...planned, state: 'lost' })])(
    'sets a corrupt record aside: %s',
    async (text) => {
      await writeFile(join(directory, 'c1.json'), text)
      const journal = await opened(atomic())
      expect(await journal.read('c1')).toBeUndefined()
      expect(await readdir(directory)).toEqual(['c1.json.corrupt'])
      expect(await journal.create(planned)).toBe(true)
    },
  )

  it('sweeps temp files of killed writers, but not those of living ones', async () => {
    const [old, fresh] = [join(directory, '.c1.json.1.tmp'), join(directory, '.c2.json.1.tmp')]
    await Promise.all([writeFile(old, ''), writeFile(fresh, '')])
    await utimes(old, new Date(0), new Date(0))
    await opened(atomic())
    expect(await readdir(directory)).toEqual(['.c2.json.1.tmp'])
  })

  it('never leaves its directory', async () => {
    await expect((await opened(atomic())).read('../c1')).rejects.toThrow('is not a container id')
  })
})

/** How many steps an operation has when nothing goes wrong. */
async function stepsOf(work: (journal: Journal) => Promise<unknown>): Promise<number> {
  const counted = io()
  await work(await opened(atomic(counted)))
  return counted.steps()
}

describe('a writer that is killed at any step', () => {
  const states = async (): Promise<SandboxRecord | undefined> => (await opened(atomic())).read('c1')

  it('leaves no record or a whole one when it creates', async () => {
    const steps = await stepsOf((journal) => journal.create(planned))
    await rm(join(directory, 'c1.json'))
    for (let dieAt = 1; dieAt <= steps; dieAt += 1) {
      const journal = await opened(atomic(io(dieAt)))
      await expect(journal.create(planned)).rejects.toMatchObject({ code: 'Io', cause: { message: 'killed' } })
      expect([undefined, planned]).toContainEqual(await states())
      await rm(join(directory, 'c1.json'), { force: true })
    }
    expect(steps).toBeGreaterThan(5)
    expect(corrupt.filter((path) => path.startsWith(directory))).toEqual([])
  })

  it('leaves the old record or the new one when it changes', async () => {
    await (await opened(atomic())).create(planned)
    const steps = await stepsOf((journal) => journal.write(planned))
    for (let dieAt = 1; dieAt <= steps; dieAt += 1) {
      const journal = await opened(atomic(io(dieAt)))
      await expect(journal.write(attached)).rejects.toMatchObject({ code: 'Io', cause: { message: 'killed' } })
      expect([planned, attached]).toContainEqual(await states())
      await (await opened(atomic())).write(planned)
    }
    expect(steps).toBeGreaterThan(5)
  })
})
