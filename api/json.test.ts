// Holds the JSON reader to its refusals, their paths and words, and to JSON.parse for everything it accepts.
import * as fc from 'fast-check'
import { isLongerThan, parseJson, sentenceOf } from '#api/json'
import { pathTo, under } from '#api/json-path'
import { goString, sortedJson } from '#api/json-text'
import type { Json } from '#api/json'

const limits = { maxBytes: 10_000 }

function refusal(text: string, maxDepth = 64): string {
  const outcome = parseJson(text, { ...limits, maxDepth })
  return outcome.ok ? 'accepted' : sentenceOf(outcome)
}

describe('parseJson', () => {
  it.each([
    ['a duplicate key', '{"a":{"b":1,"b":2}}', 'a.b: the key "b" is written twice in one object; keep one of them'],
    ['a duplicate key behind an escape', '{"b":1,"\\u0062":2}', 'b: the key "b" is written twice in one object; keep one of them'],
    ['a key that changes prototypes', '{"a":[{"__proto__":{}}]}', 'a[0].__proto__: the key "__proto__" is not allowed; remove it'],
    ['a prototype key behind an escape', '{"\\u005f_proto__":{}}', '__proto__: the key "__proto__" is not allowed; remove it'],
    [
      'an integer above 2^53',
      '{"a":[9007199254740993]}',
      'a[0]: the number 9007199254740993 is above 2^53 and would be rounded; write a smaller number, or a string in double quotes',
    ],
    [
      'a number that is no number',
      '[1e400]',
      '[0]: the number 1e400 is above 2^53 and would be rounded; write a smaller number, or a string in double quotes',
    ],
    ['a NUL in a string', '{"a":"x\\u0000"}', 'a: holds a NUL character; remove "\\u0000"'],
    ['an odd key', '{"a.b":{"":{"x":1,"x":1}}}', '["a.b"][""].x: the key "x" is written twice in one object; keep one of them'],
    [
      'a trailing comma',
      '{"a":1,}',
      'not valid JSON at position 7: a key in double quotes was expected, "}" is there; correct it, or pass it through a JSON formatter',
    ],
    [
      'a trailing comma in a list',
      '[1,]',
      'not valid JSON at position 3: a value was expected, "]" is there; correct it, or pass it through a JSON formatter',
    ],
    [
      'an end too early',
      '{"a":',
      'not valid JSON at position 5: a value was expected, the text ends there; correct it, or pass it through a JSON formatter',
    ],
    [
      'an open string',
      '"abc',
      'not valid JSON at position 4: the closing double quote is missing, the text ends there; correct it, or pass it through a JSON formatter',
    ],
    [
      'a raw line break in a string',
      '"a\nb"',
      'not valid JSON at position 2: a control character must be escaped in a string, "\\n" is there; correct it, or pass it through a JSON formatter',
    ],
    [
      'an unknown escape',
      '"\\x"',
      'not valid JSON at position 0: the string holds an unknown escape, "\\"" is there; correct it, or pass it through a JSON formatter',
    ],
    [
      'two values',
      '{} {}',
      'not valid JSON at position 3: more text after the end of the value, "{" is there; correct it, or pass it through a JSON formatter',
    ],
    [
      'single quotes',
      "{'a':1}",
      'not valid JSON at position 1: a key in double quotes was expected, "\'" is there; correct it, or pass it through a JSON formatter',
    ],
    [
      'a leading zero',
      '01',
      'not valid JSON at position 1: more text after the end of the value, "1" is there; correct it, or pass it through a JSON formatter',
    ],
    [
      'a word',
      'undefined',
      'not valid JSON at position 0: a value was expected, "u" is there; correct it, or pass it through a JSON formatter',
    ],
    [
      'nothing',
      '',
      'not valid JSON at position 0: a value was expected, the text ends there; correct it, or pass it through a JSON formatter',
    ],
  ])('refuses %s with place and remedy', (_, text, sentence) => expect(refusal(text)).toBe(sentence))

  it('refuses what is nested too deep, before anything can overflow', () => {
    expect(refusal('[[[[]]]]', 3)).toBe('[0][0][0]: is nested deeper than 3 levels; write it flatter')
    expect(refusal('[[[]]]', 3)).toBe('accepted')
    expect(refusal('['.repeat(5000))).toContain('is nested deeper than 64 levels')
  })

  it('counts bytes and not characters', () => {
    expect(parseJson('"ää"', { maxBytes: 5 })).toMatchObject({ ok: false, problem: 'is longer than 5 bytes' })
    expect(parseJson('"ää"', { maxBytes: 6 })).toEqual({ ok: true, value: 'ää' })
    expect(isLongerThan('😀', 3)).toBe(true)
    expect(isLongerThan('😀', 4)).toBe(false)
  })

  it('accepts the integers that a double holds', () =>
    expect(parseJson('[9007199254740991,-9007199254740991,1.5e3]', limits).ok).toBe(true))

  it('gives what JSON.parse gives for everything that JSON.stringify writes', () => {
    const values = fc.jsonValue({ maxDepth: 5 }).filter((value) => !/"__proto__"|\\u0000|\d{16}|e\+/.test(JSON.stringify(value)))
    fc.assert(
      fc.property(values, fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent)
        expect(parseJson(text, { maxBytes: 10_000_000 })).toEqual({ ok: true, value: JSON.parse(text) })
      }),
    )
  })

  it('accepts nothing that JSON.parse refuses', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      'a',
      '"a"',
      '1',
      '-',
      '.',
      'e',
      '0',
      ' ',
      '\n',
      'true',
      'null',
      '\\u00',
      '\u0000',
    )
    const texts = fc.array(pieces, { maxLength: 12 }).map((list) => list.join(''))
    fc.assert(
      fc.property(texts, (text) => {
        if (parseJson(text, limits).ok) expect(() => JSON.parse(text)).not.toThrow()
      }),
      { numRuns: 2000 },
    )
  })
})

describe('JSON texts', () => {
  it('sort keys at every depth', () => expect(sortedJson({ b: [{ d: 1, c: null }], a: 'x' })).toBe('{"a":"x","b":[{"c":null,"d":1}]}'))

  it('mean what was written', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => expect(JSON.parse(sortedJson(value as Json))).toEqual(JSON.parse(JSON.stringify(value)))),
    )
  })

  it('escape what Go escapes', () => expect(goString('<a>&\u2028\ud800é\t')).toBe('"\\u003ca\\u003e\\u0026\\u2028\ufffdé\\t"'))
})

describe('paths', () => {
  it.each([
    [pathTo('', 'a'), 'a'],
    [pathTo('a', 'b-c'), 'a.b-c'],
    [pathTo('a', 'x/y'), 'a["x/y"]'],
    [pathTo('a', 3), 'a[3]'],
    [under('spec.config', ''), 'spec.config'],
    [under('spec.config', '[0]'), 'spec.config[0]'],
    [under('spec.config', 'a.b'), 'spec.config.a.b'],
  ])('%s', (path, expected) => expect(path).toBe(expected))
})
