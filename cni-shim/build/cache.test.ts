import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached, hashOf } from './cache.ts'

describe('cached', () => {
  let root = ''
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'shim-cache-'))
  })
  afterEach(() => {
    rmSync(root, { recursive: true })
  })

  it('builds once', () => {
    let builds = 0
    const build = (folder: string): void => writeFileSync(join(folder, 'n'), String((builds += 1)))
    expect([1, 2].map(() => readFileSync(join(cached(root, 'x', build), 'n'), 'utf8'))).toEqual(['1', '1'])
  })

  it('leaves nothing of a build that fails', () => {
    expect(() =>
      cached(root, 'x', (folder) => {
        writeFileSync(join(folder, 'half'), '')
        throw new Error('compiler')
      }),
    ).toThrow('compiler')
    expect(readdirSync(root)).toEqual([])
  })

  it('takes what another build of the same inputs published meanwhile', () => {
    const folder = cached(root, 'x', (outer) => {
      cached(root, 'x', (inner) => writeFileSync(join(inner, 'by'), 'inner'))
      writeFileSync(join(outer, 'by'), 'outer')
    })
    expect(readFileSync(join(folder, 'by'), 'utf8')).toBe('inner')
    expect(readdirSync(root).filter((name) => existsSync(join(root, name)))).toEqual(['x'])
  })
})

it('hashOf tells apart lists whose joined bytes are equal', () => {
  expect(hashOf(['ab', 'c'])).not.toBe(hashOf(['a', 'bc']))
})
