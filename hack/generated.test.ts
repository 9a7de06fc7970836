import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateCrds } from './gen-crds.ts'
import { betweenMarkers, drifted, writeGenerated } from './generated.ts'

describe('generated files', () => {
  let root = ''
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'generated-'))
  })
  afterEach(() => rmSync(root, { recursive: true }))

  it('are stale when missing or edited, and written once', () => {
    const files = [
      { path: 'a/b.txt', text: 'b' },
      { path: 'c.txt', text: 'c' },
    ]
    expect(drifted(root, files)).toEqual(['a/b.txt', 'c.txt'])
    writeGenerated(root, files)
    expect(drifted(root, files)).toEqual([])
    writeFileSync(join(root, 'c.txt'), 'edited')
    const untouched = statSync(join(root, 'a/b.txt')).mtimeMs
    writeGenerated(root, files)
    expect(readFileSync(join(root, 'c.txt'), 'utf8')).toBe('c')
    expect(statSync(join(root, 'a/b.txt')).mtimeMs).toBe(untouched)
  })

  it('keep what is written around the markers', () => {
    const page = 'before\n<!-- generated: x -->\nold\n<!-- end: x -->\nafter\n'
    const once = betweenMarkers(page, 'x', 'new\n')
    expect(once).toBe('before\n<!-- generated: x -->\n\nnew\n\n<!-- end: x -->\nafter\n')
    expect(betweenMarkers(once, 'x', 'new\n')).toBe(once)
    expect(() => betweenMarkers(page, 'y', '')).toThrow('markers "<!-- generated: y -->"')
  })
})

describe('generateCrds', () => {
  const templates = generateCrds().filter(({ path }) => path.startsWith('charts/'))

  it('writes each kind into crds/, config/crd and the chart', () => {
    const folders = generateCrds().map(({ path }) => path.replace(/\/[^/]*$/, ''))
    for (const folder of ['crds', 'config/crd', 'charts/plexus/templates/crds'])
      expect(folders.filter((one) => one === folder)).toHaveLength(folder === 'config/crd' ? 4 : 3)
  })

  it.each(templates.map(({ path, text }) => [path, text]))('%s holds no braces but its own', (_, text) => {
    const actions = text.match(/\{\{.*?\}\}/g) ?? []
    expect(actions.every((action) => /^\{\{- (if|end|include)\b/.test(action))).toBe(true)
  })
})
