// Replacing binaries while they run.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BinaryFiles, openBinaryFiles } from './binary-files.ts'

/** Memory, where there is such a directory: what is executed matters here, not what survives a power cut. */
const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

let dir = ''
let files: BinaryFiles
const at = (...path: readonly string[]): string => join(dir, ...path)

beforeEach(() => {
  dir = mkdtempSync(join(base, 'plexus-bin-'))
  for (const folder of ['image', 'bin']) mkdirSync(at(folder))
  let count = 0
  files = openBinaryFiles({
    unique: () => {
      count += 1
      return `1-${count}`
    },
  })
})
afterEach(() => rmSync(dir, { recursive: true }))

describe('binary files', () => {
  it('are replaced 500 times while they are executed, without one failed execution', async () => {
    copyFileSync('/bin/true', at('image', 'old'))
    copyFileSync('/bin/true', at('image', 'new'))
    appendFileSync(at('image', 'new'), 'another release')
    const target = at('bin', 'plexus')
    await files.install(at('image', 'old'), target)
    const failures: string[] = []
    let executed = 0
    const state = { done: false }
    const execute = async (): Promise<void> => {
      while (!state.done) {
        // oxlint-disable-next-line no-await-in-loop
        await new Promise<void>((resolve) => {
          execFile(target, (error) => {
            executed += 1
            if (error !== null) failures.push(String(error.code ?? error.message))
            resolve()
          })
        })
      }
    }
    const executing = [execute(), execute()]
    for (let round = 0; round < 500; round += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await files.install(at('image', round % 2 === 0 ? 'new' : 'old'), target)
    }
    state.done = true
    await Promise.all(executing)
    expect(failures).toEqual([])
    expect(executed).toBeGreaterThan(50)
    expect(readdirSync(at('bin'))).toEqual(['plexus'])
  }, 60_000)

  it('are executable whatever they were in the image, and complete', async () => {
    writeFileSync(at('image', 'tool'), 'abc', { mode: 0o600 })
    await files.install(at('image', 'tool'), at('bin', 'tool'))
    expect([statSync(at('bin', 'tool')).mode & 0o777, readFileSync(at('bin', 'tool'), 'utf8')]).toEqual([0o755, 'abc'])
  })

  it('leave nothing behind when they cannot be installed', async () => {
    await expect(files.install(at('image', 'none'), at('bin', 'tool'))).rejects.toMatchObject({ code: 'ENOENT' })
    mkdirSync(at('bin', 'folder'))
    writeFileSync(at('image', 'folder'), 'abc')
    await expect(files.install(at('image', 'folder'), at('bin', 'folder'))).rejects.toMatchObject({ code: 'EISDIR' })
    expect(readdirSync(at('bin'))).toEqual(['folder'])
  })

  it('are told by hash, mode and marker, and hashed again only when they changed', async () => {
    writeFileSync(at('bin', 'plexus'), 'x plexus-cni-shim 1.0 y', { mode: 0o755 })
    writeFileSync(at('bin', 'macvlan'), 'plexus-cni-shim', { mode: 0o644 })
    const names = ['plexus', 'macvlan', 'none']
    const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
    expect(Object.fromEntries(await files.look(at('bin'), names))).toEqual({
      plexus: { sha256: sha256('x plexus-cni-shim 1.0 y'), executable: true, marked: true },
      macvlan: { sha256: sha256('plexus-cni-shim'), executable: false, marked: false },
    })
    writeFileSync(at('bin', 'macvlan'), 'changed')
    expect((await files.look(at('bin'), names)).get('macvlan')?.sha256).toBe(sha256('changed'))
  })

  it('sweeps what a killed agent left, and nothing of others', async () => {
    for (const name of ['.plexus.99-1.tmp', '.macvlan.99-2.tmp', '.other.1.tmp', '.plexus', 'plexus']) writeFileSync(at('bin', name), '')
    await files.sweep(at('bin'), ['plexus', 'macvlan'])
    expect(readdirSync(at('bin'))).toEqual(['.other.1.tmp', '.plexus', 'plexus'])
    await files.remove(at('bin', 'plexus'))
    expect(existsSync(at('bin', 'plexus'))).toBe(false)
  })
})
