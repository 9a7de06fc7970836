import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { treeHash } from './tree-hash.ts'

describe('treeHash', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plexus-hash-'))
    await mkdir(join(folder, 'dist'))
    await writeFile(join(folder, 'dist/a'), 'a')
  })
  afterEach(() => rm(folder, { recursive: true }))

  it.each([
    ['a changed content', () => writeFile(join(folder, 'dist/a'), 'b')],
    ['a changed mode', () => chmod(join(folder, 'dist/a'), 0o755)],
    ['a new file', () => writeFile(join(folder, 'dist/b'), '')],
    ['a link', () => symlink('a', join(folder, 'dist/l'))],
    ['a file that vanished', () => rm(join(folder, 'dist/a'))],
  ])('changes with %s', async (_, change) => {
    const before = await treeHash(folder, ['dist', 'Dockerfile'])
    expect(await treeHash(folder, ['Dockerfile', 'dist'])).toBe(before)
    await change()
    expect(await treeHash(folder, ['dist', 'Dockerfile'])).not.toBe(before)
  })
})
