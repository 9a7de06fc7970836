// The primary as its files come, change and go.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { profileSpec } from '#api/kinds/node-network-profile'
import { fakeClock } from '#kube/process/clock.fake'
import { openHeldSnapshot } from '../stream/held-snapshot.ts'
import { openPrimaryFinder, type PrimaryFinder } from './primary-finder.ts'

const list = (name: string): string => JSON.stringify({ cniVersion: '1.0.0', name, plugins: [{ type: 'bridge' }] })
const spec = (changes: object = {}): ReturnType<typeof profileSpec.parse> => profileSpec.parse(changes)

let dir = ''
let finder: PrimaryFinder
const put = (name: string, text: string): void => writeFileSync(join(dir, name), text)
const name = (): string | undefined => finder.current()?.name

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'plexus-primary-'))
  finder = openPrimaryFinder({
    confDir: dir,
    binDir: '/opt/cni/bin',
    snapshot: openHeldSnapshot({ clock: fakeClock() }),
    restored: undefined,
  })
})
afterEach(() => rmSync(dir, { recursive: true }))

describe('the primary of a node', () => {
  it('follows its file, and is kept while that is half written or gone', async () => {
    put('10-a.conflist', list('first'))
    expect((await finder.look(spec())).kind).toBe('found')
    put('10-a.conflist', list('second').slice(0, 20))
    expect([(await finder.look(spec())).kind, name()]).toEqual(['none', 'first'])
    put('10-a.conflist', list('second'))
    await finder.look(spec())
    expect(name()).toBe('second')
    rmSync(join(dir, '10-a.conflist'))
    expect(await finder.look(spec())).toMatchObject({ kind: 'none', reason: 'NoConf' })
    expect(name()).toBe('second')
  })

  it('is what node.json said until one is found', async () => {
    const restored = { name: 'kept', cniVersion: '1.0.0', plugins: [{ type: 'bridge' }] }
    finder = openPrimaryFinder({ confDir: dir, binDir: '/b', snapshot: openHeldSnapshot({ clock: fakeClock() }), restored })
    expect(name()).toBe('kept')
    await finder.look(spec())
    expect(name()).toBe('kept')
    put('10-a.conflist', list('found'))
    await finder.look(spec())
    expect(name()).toBe('found')
  })

  it('is looked for in the conf directory first, then in the extra ones', async () => {
    mkdirSync(join(dir, 'more'))
    put('more/00-x.conflist', list('extra'))
    const extra = spec({ extraConfDirs: [join(dir, 'more')] })
    await finder.look(extra)
    expect(name()).toBe('extra')
    put('99-y.conflist', list('own'))
    await finder.look(extra)
    expect([name(), [...finder.confNames()].toSorted()]).toEqual(['own', ['extra', 'own']])
  })

  it('waits for its readiness file', async () => {
    put('10-a.conflist', list('first'))
    const gated = spec({ readinessFile: join(dir, 'ready') })
    expect(await finder.look(gated)).toMatchObject({ kind: 'none', reason: 'NotReady' })
    put('ready', '')
    expect((await finder.look(gated)).kind).toBe('found')
  })

  it('takes the plugins that others put into the directory of its name', async () => {
    put('10-a.conflist', list('first'))
    mkdirSync(join(dir, 'first'))
    put('first/50-tuning.conf', '{"type":"tuning"}')
    await finder.look(spec())
    expect(finder.current()?.plugins.map(({ type }) => type)).toEqual(['bridge', 'tuning'])
  })

  it('may be the first conf of a directory', async () => {
    mkdirSync(join(dir, 'private'))
    put('private/20-b.conflist', list('second'))
    put('private/10-a.conflist', list('first'))
    await finder.look(spec({ primary: { source: 'File', file: join(dir, 'private') } }))
    expect(name()).toBe('first')
  })

  it('may be a file anywhere', async () => {
    put('elsewhere.txt', list('named'))
    await finder.look(spec({ primary: { source: 'File', file: join(dir, 'elsewhere.txt') } }))
    expect(name()).toBe('named')
  })
})
