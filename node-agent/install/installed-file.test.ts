// What the agent remembers of its files.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openAtomicFiles } from '#kube/process/atomic-file'
import { type Installed, installedText, NOTHING_INSTALLED, openInstalledFile, parseInstalled } from './installed-file.ts'

const some: Installed = {
  binaries: new Map([
    ['plexus', { sha256: 'a', origin: 'written' }],
    ['bridge', { sha256: 'b', origin: 'adopted' }],
  ]),
  conf: { name: '00-plexus.conflist', part: '{}' },
}
const files = openAtomicFiles({ unique: () => '1' })

let dir = ''
let path = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'plexus-installed-'))
  path = join(dir, 'installed.json')
})
afterEach(() => rmSync(dir, { recursive: true }))

describe('the memory of what is ours', () => {
  it('survives a restart', async () => {
    await (await openInstalledFile(path, files)).update(some)
    expect((await openInstalledFile(path, files)).current()).toEqual({ ...some, binaries: new Map([...some.binaries].toReversed()) })
  })

  it('is not written while nothing is ours, and is gone after forget', async () => {
    const file = await openInstalledFile(path, files)
    await file.update(NOTHING_INSTALLED)
    expect(existsSync(path)).toBe(false)
    await file.update(some)
    await file.forget()
    expect([existsSync(path), file.current()]).toEqual([false, NOTHING_INSTALLED])
  })

  it.each([
    ['an empty file', ''],
    ['half a file', installedText(some).slice(0, 50)],
    ['another version', '{"version":2,"binaries":{"plexus":{"sha256":"a","origin":"written"}}}'],
    ['a list', '[]'],
  ])('knows nothing from %s', async (_, text) => {
    writeFileSync(path, text)
    expect((await openInstalledFile(path, files)).current()).toEqual(NOTHING_INSTALLED)
  })

  it('leaves out entries that could lead out of the directory or are not ours to believe', () => {
    const text = JSON.stringify({
      version: 1,
      binaries: {
        '../sh': { sha256: 'a', origin: 'written' },
        x: { sha256: 1, origin: 'written' },
        y: { sha256: 'a', origin: 'stolen' },
        z: 3,
      },
      conf: { name: 3 },
    })
    expect(parseInstalled(text)).toEqual(NOTHING_INSTALLED)
  })
})
