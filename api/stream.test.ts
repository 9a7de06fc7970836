import * as fc from 'fast-check'
import { compareRevisions, formatRevision, parseRevision } from './stream.ts'

const revision = fc.record({ epoch: fc.nat(), sequence: fc.nat() })

describe('revisions', () => {
  it.each([
    ['a higher epoch beats every sequence', { epoch: 2, sequence: 1 }, { epoch: 1, sequence: 99 }, 1],
    ['within an epoch the sequence decides', { epoch: 1, sequence: 1 }, { epoch: 1, sequence: 2 }, -1],
    ['equal revisions are equal', { epoch: 1, sequence: 1 }, { epoch: 1, sequence: 1 }, 0],
  ])('%s', (_, a, b, sign) => {
    expect(Math.sign(compareRevisions(a, b))).toBe(sign)
  })

  it('survive their text form', () => {
    fc.assert(fc.property(revision, (value) => expect(parseRevision(formatRevision(value))).toEqual(value)))
  })

  it.each(['', '1', '1.', 'a.b', '1.2.3', '-1.0', '1e3.0'])('refuse %j', (text) => {
    expect(parseRevision(text)).toBeUndefined()
  })
})
