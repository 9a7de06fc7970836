import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { bundle } from './bundle.ts'
import { prune, put } from './copy.ts'

describe('bundle', () => {
  let root = ''
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'bundle-'))
    write('node_modules/heavy/package.json', '{"name":"heavy","main":"index.js"}')
    write('node_modules/heavy/index.js', 'module.exports = { heavy: require("node:os").EOL }')
    write('deep.ts', "import { heavy } from 'heavy'\nexport const deep: string = heavy\n")
    write('main.ts', "import { deep } from './deep.ts'\nconsole.log(deep)\n")
  })
  afterEach(() => rmSync(root, { recursive: true }))

  it('makes one file of a program and its packages', async () => {
    expect(await bundle(root, { entry: 'main.ts', out: 'dist/main.mjs', without: [] })).toBeGreaterThan(100)
  })

  it('names the file that brings in a forbidden package', async () => {
    await expect(bundle(root, { entry: 'main.ts', out: 'dist/main.mjs', without: ['heavy'] })).rejects.toThrow(
      'main.ts must not contain heavy, but deep.ts imports it',
    )
  })

  it('replaces a file only when its bytes differ, and removes what is not made any more', () => {
    const file = join(root, 'out/a')
    put(file, Buffer.from('1'), 0o755)
    put(join(root, 'out/old'), Buffer.from('1'), 0o644)
    const first = statSync(file).ino
    put(file, Buffer.from('1'), 0o755)
    expect(statSync(file).ino).toBe(first)
    put(file, Buffer.from('2'), 0o755)
    expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual(['2', 0o755])
    prune(join(root, 'out'), ['a'])
    expect(readdirSync(join(root, 'out'))).toEqual(['a'])
  })
})
