// Binaries on a real disk: what one failure does to the others.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openAtomicFiles } from '#kube/process/atomic-file'
import { fakeClock } from '#kube/process/clock.fake'
import { fakeLog } from '#kube/process/log.fake'
import { type Binaries, openBinaries } from './apply-binaries.ts'
import { type BinaryFiles, openBinaryFiles } from './binary-files.ts'
import { openInstalledFile } from './installed-file.ts'

let dir = ''
let count = 0
let broken: string | undefined
const at = (...path: readonly string[]): string => join(dir, ...path)
const unique = (): string => {
  count += 1
  return String(count)
}

async function open(): Promise<Binaries> {
  const real = openBinaryFiles({ unique })
  const files: BinaryFiles = {
    ...real,
    install: async (from, to) => {
      if (broken !== undefined && to.endsWith(broken)) throw new Error('no space left on device')
      await real.install(from, to)
    },
  }
  const installed = await openInstalledFile(at('installed.json'), openAtomicFiles({ unique }))
  return openBinaries({ files, installed, imageBinDir: at('image'), binDir: at('bin'), clock: fakeClock(), log: fakeLog() })
}
const states = async (binaries: Binaries, ...plugins: readonly string[]): Promise<readonly string[]> =>
  (await binaries.apply(plugins)).map(({ path, state }) => `${path.slice(at('bin').length + 1)} ${state}`)

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'plexus-binaries-'))
  broken = undefined
  for (const folder of ['image', 'bin']) mkdirSync(at(folder))
  for (const name of ['plexus', 'macvlan', 'bridge']) writeFileSync(at('image', name), `${name} of release 1 plexus-cni-shim`)
})
afterEach(() => rmSync(dir, { recursive: true }))

describe('the binaries of a node', () => {
  it('are installed, the shim first, and foreign ones left', async () => {
    writeFileSync(at('bin', 'bridge'), 'of the distribution', { mode: 0o755 })
    expect(await states(await open(), 'macvlan', 'bridge', 'sriov')).toEqual([
      'plexus Installed',
      'macvlan Installed',
      'bridge Foreign',
      'sriov Missing',
    ])
    expect(readFileSync(at('bin', 'bridge'), 'utf8')).toBe('of the distribution')
  })

  it('are updated by a new release, also after the agent forgot what is its own', async () => {
    await (await open()).apply(['macvlan'])
    rmSync(at('installed.json'))
    await (await open()).apply(['macvlan'])
    for (const name of ['plexus', 'macvlan']) writeFileSync(at('image', name), `${name} of release 2 plexus-cni-shim`)
    expect(await states(await open(), 'macvlan')).toEqual(['plexus Installed', 'macvlan Installed'])
    expect(readFileSync(at('bin', 'macvlan'), 'utf8')).toContain('release 2')
  })

  it('do not keep each other away, and a full disk is no fight', async () => {
    const binaries = await open()
    await binaries.apply(['macvlan', 'bridge'])
    writeFileSync(at('bin', 'macvlan'), 'damaged')
    broken = 'macvlan'
    for (let look = 0; look < 5; look += 1) {
      // oxlint-disable-next-line no-await-in-loop
      expect(await states(binaries, 'macvlan', 'bridge')).toEqual(['plexus Installed', 'macvlan Missing', 'bridge Installed'])
    }
    broken = undefined
    expect(await states(binaries, 'macvlan', 'bridge')).toEqual(['plexus Installed', 'macvlan Installed', 'bridge Installed'])
  })

  it('get their mode back', async () => {
    const binaries = await open()
    await binaries.apply([])
    chmodSync(at('bin', 'plexus'), 0o644)
    expect(await states(binaries)).toEqual(['plexus Installed'])
  })

  it('are removed when they are ours', async () => {
    writeFileSync(at('bin', 'bridge'), 'of the distribution', { mode: 0o755 })
    const binaries = await open()
    await binaries.apply(['macvlan', 'bridge'])
    await binaries.remove()
    expect(['plexus', 'macvlan', 'bridge'].map((name) => existsSync(at('bin', name)))).toEqual([false, false, true])
  })
})
