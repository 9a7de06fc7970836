import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withLock } from './lock.ts'

describe('withLock', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plexus-lock-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('refuses a second holder and names the first', async () => {
    const file = join(folder, 'lock')
    await withLock(file, async () => {
      await expect(withLock(file, async () => 'never')).rejects.toThrow(`process ${process.pid} is starting or ending this cluster`)
    })
    expect(await withLock(file, async () => 'free')).toBe('free')
    expect(await readdir(folder)).toEqual([])
  })

  it('is free again after work that failed', async () => {
    const file = join(folder, 'lock')
    const failing = withLock(file, async () => {
      throw new Error('broken')
    })
    await expect(failing).rejects.toThrow('broken')
    expect(await withLock(file, async () => 'free')).toBe('free')
  })

  it('takes no notice of a holder that is gone', async () => {
    const file = join(folder, 'lock')
    await writeFile(file, `${process.pid} 1 another-boot\n`)
    expect(await withLock(file, async () => 'free')).toBe('free')
  })
})
