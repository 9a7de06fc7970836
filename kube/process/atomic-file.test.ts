import { mkdtemp, open, link, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { AtomicFiles } from './atomic-file.ts'
import { isAtomicTemp, openAtomicFiles } from './atomic-file.ts'
import type { DurableIo } from './durable-io.ts'

let directory: string
let steps: string[]
let files: AtomicFiles
let broken: string

/** The real file system, with every durable step noted, and one that can be made to fail. */
function countingIo(): DurableIo {
  const note = (step: string): void => {
    steps.push(step)
    if (broken === step) throw Object.assign(new Error(`${step} failed`), { code: 'EIO' })
  }
  const label = (path: string): string => (path === directory ? 'directory' : isAtomicTemp(basename(path)) ? 'temp' : 'file')
  return {
    open: async (path, flags, mode) => {
      const handle = await open(path, flags, mode)
      return {
        writeFile: (data) => handle.writeFile(data),
        chmod: (bits) => handle.chmod(bits),
        close: () => handle.close(),
        sync: async () => {
          note(`fsync ${label(path)}`)
          await handle.sync()
        },
      }
    },
    rename: async (from, to) => {
      note(`rename ${label(from)} to ${label(to)}`)
      await rename(from, to)
    },
    link: async (from, to) => {
      note(`link ${label(from)} to ${label(to)}`)
      await link(from, to)
    },
    unlink: async (path) => {
      note(`unlink ${label(path)}`)
      await unlink(path)
    },
  }
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'atomic-'))
  steps = []
  broken = ''
  let count = 0
  files = openAtomicFiles({ unique: () => String((count += 1)), io: countingIo() })
})

afterEach(() => rm(directory, { recursive: true }))

const path = (): string => join(directory, 'conf.json')
const names = (): Promise<string[]> => readdir(directory)

describe('write', () => {
  it('replaces a file with two fsyncs, and its mode is exact', async () => {
    await files.write(path(), 'old')
    steps = []
    await files.write(path(), 'new', { mode: 0o600 })
    await expect(readFile(path(), 'utf8')).resolves.toBe('new')
    expect((await stat(path())).mode & 0o777).toBe(0o600)
    expect(steps).toEqual(['fsync temp', 'rename temp to file', 'fsync directory'])
    await expect(names()).resolves.toEqual(['conf.json'])
  })

  it.each(['fsync temp', 'rename temp to file'])('leaves the old file and no temp when %s fails', async (step) => {
    await files.write(path(), 'old')
    broken = step
    await expect(files.write(path(), 'new')).rejects.toMatchObject({ code: 'EIO' })
    await expect(readFile(path(), 'utf8')).resolves.toBe('old')
    await expect(names()).resolves.toEqual(['conf.json'])
  })
})

describe('createExclusive', () => {
  it('creates a complete file with two fsyncs', async () => {
    await files.createExclusive(path(), 'first')
    await expect(readFile(path(), 'utf8')).resolves.toBe('first')
    expect(steps).toEqual(['fsync temp', 'link temp to file', 'unlink temp', 'fsync directory'])
    await expect(names()).resolves.toEqual(['conf.json'])
  })

  it('refuses a second one and changes nothing', async () => {
    await files.createExclusive(path(), 'first')
    await expect(files.createExclusive(path(), 'second')).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(readFile(path(), 'utf8')).resolves.toBe('first')
    await expect(names()).resolves.toEqual(['conf.json'])
  })

  it('lets exactly one of twenty win', async () => {
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => files.createExclusive(path(), String(index))))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await expect(names()).resolves.toEqual(['conf.json'])
  })
})

it.each(['write', 'createExclusive'] as const)('%s passes over a temp that a killed process with the same ids left', async (how) => {
  const counting = (): (() => string) => {
    let ids = 0
    return () => String((ids += 1))
  }
  const killed = { ...countingIo(), unlink: () => Promise.reject(new Error('killed')) }
  broken = how === 'write' ? 'rename temp to file' : 'link temp to file'
  await expect(openAtomicFiles({ unique: counting(), io: killed })[how](path(), 'half')).rejects.toMatchObject({ code: 'EIO' })
  await expect(names()).resolves.toEqual(['.conf.json.1.tmp'])
  broken = ''
  await openAtomicFiles({ unique: counting(), io: countingIo() })[how](path(), 'whole')
  await expect(readFile(path(), 'utf8')).resolves.toBe('whole')
  await expect(names()).resolves.toEqual(['.conf.json.1.tmp', 'conf.json'])
})

describe('remove', () => {
  it('removes a file durably, and a missing one too', async () => {
    await files.write(path(), 'x')
    steps = []
    await files.remove(path())
    await files.remove(path())
    expect(steps).toEqual(['unlink file', 'fsync directory', 'unlink file', 'fsync directory'])
  })
})

it('uses temp names that no reader of conf directories takes for a conf', async () => {
  broken = 'unlink temp'
  await files.createExclusive(path(), 'x')
  const [temp] = (await names()).filter((name) => name !== 'conf.json')
  expect(temp).toMatch(/^\..*\.tmp$/u)
  expect(isAtomicTemp(temp ?? '')).toBe(true)
})
