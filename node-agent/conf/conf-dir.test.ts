// The conf directory under two writers that are killed at any moment, and how it is read.
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAtomicTemp } from '#kube/process/atomic-file'
import { leftoverTemps, readBounded, readConfDir } from './conf-dir.ts'
import { isConfName, readConf } from './own-conf.ts'

const NAME = '00-plexus.conflist'
const FIXTURE = join(import.meta.dirname, 'conf-writer.fixture.ts')
const KILLS = 200

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'plexus-conf-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

describe('reading a conf directory', () => {
  it('takes files with a conf extension by name, and nothing half, hidden, huge or broken', async () => {
    for (const [name, text] of Object.entries({
      '20-b.conf': 'b',
      '10-a.conflist': 'a',
      '30-c.json': 'c',
      readme: 'x',
      'z.conf.bak': 'x',
      '.00-plexus.conflist.1.tmp': 'x',
    })) {
      writeFileSync(join(dir, name), text)
    }
    writeFileSync(join(dir, '40-huge.conf'), 'x'.repeat(2 * 1024 * 1024))
    mkdirSync(join(dir, '50-dir.conf'))
    symlinkSync('/nowhere', join(dir, '60-link.conf'))
    expect(await readConfDir(dir)).toEqual([
      { name: '10-a.conflist', text: 'a' },
      { name: '20-b.conf', text: 'b' },
      { name: '30-c.json', text: 'c' },
    ])
  })

  it('is not held up by a pipe', async () => {
    execFileSync('mkfifo', [join(dir, '05-pipe.conf')])
    expect(await readConfDir(dir)).toEqual([])
  })

  it('finds a missing directory empty', async () => {
    expect(await readConfDir(join(dir, 'none'))).toEqual([])
    expect(await readBounded(join(dir, 'none'))).toBeUndefined()
  })

  it('names only our own leftovers', async () => {
    for (const name of [`.${NAME}.1-2.tmp`, '.10-flannel.conflist.7.tmp', NAME]) writeFileSync(join(dir, name), '')
    expect(await leftoverTemps(dir, [NAME])).toEqual([join(dir, `.${NAME}.1-2.tmp`)])
  })
})

describe('two writers of the conf', () => {
  it(`leave the old or the new file, never half, while either is killed ${KILLS} times`, async () => {
    const seen = new Map<string, number>()
    const look = (): void => {
      const text = readFileSync(join(dir, NAME), 'utf8')
      seen.set(text, (seen.get(text) ?? 0) + 1)
    }
    let killed = 0
    const kills = async (cniVersion: string): Promise<void> => {
      while (killed < KILLS) {
        killed += 1
        // oxlint-disable-next-line no-await-in-loop
        await writeUntilKilled(cniVersion, killed % 7)
        look()
      }
    }
    await Promise.all([kills('1.0.0'), kills('1.1.0')])
    look()
    const versions = [...seen.keys()]
      .map((text) => readConf(text))
      .map((content) => (content.kind === 'ours' ? content.cniVersion : content.kind))
    expect(versions.toSorted()).toEqual(['1.0.0', '1.1.0'])
    // What a kill left behind is nothing that a runtime would read.
    expect(readdirSync(dir).filter((name) => name !== NAME && (isConfName(name) || !isAtomicTemp(name)))).toEqual([])
  }, 60_000)
})

/** Runs a writer and kills it somewhere after it has written so many files. */
async function writeUntilKilled(cniVersion: string, files: number): Promise<void> {
  const child = spawn(process.execPath, [FIXTURE, dir, NAME, cniVersion], { stdio: ['ignore', 'pipe', 'ignore'] })
  let written = 0
  const signal = await new Promise((resolve) => {
    child.once('exit', (_, signal) => resolve(signal))
    child.stdout.on('data', (dots: Buffer) => {
      written += dots.length
      if (written > files) child.kill('SIGKILL')
    })
  })
  expect(signal).toBe('SIGKILL')
}
