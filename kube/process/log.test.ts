import { Writable } from 'node:stream'
import { formatLine } from './log-line.ts'
import { openWinstonLog } from './winston-log.ts'

const at = new Date('2026-01-01T00:00:00Z')
const line = (fields: Readonly<Record<string, unknown>>, message = 'something happened'): unknown =>
  JSON.parse(formatLine({ at, level: 'info', message, fields }))
const head = { ts: '2026-01-01T00:00:00.000Z', level: 'info', msg: 'something happened' }

describe('log line', () => {
  it('starts with time, level and message, then fields in their order', () => {
    expect(formatLine({ at, level: 'warn', message: 'm', fields: { z: 1, a: 2 } })).toBe(
      '{"ts":"2026-01-01T00:00:00.000Z","level":"warn","msg":"m","z":1,"a":2}',
    )
  })

  it('tells an error with its code and the chain of its causes', () => {
    const cause = Object.assign(new Error('socket'), { code: 'ECONNRESET' })
    const error = new TypeError('outer', { cause: new Error('middle', { cause }) })
    expect(line({ error })).toMatchObject({
      error: {
        name: 'TypeError',
        message: 'outer',
        stack: expect.any(String),
        cause: { message: 'middle', cause: { message: 'socket', code: 'ECONNRESET' } },
      },
    })
  })

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['a field called token', { token: 'abc123' }],
    ['a nested authorization', { request: { headers: { Authorization: 'abc123' } } }],
    ['a password in a map', { map: new Map([['dbPassword', 'abc123']]) }],
    ['a bearer text', { text: 'sent Bearer abc123 to it' }],
    ['a JSON web token', { text: 'got eyJabc123.eyJabc123.abc123' }],
    ['a private key', { text: '-----BEGIN EC PRIVATE KEY-----\nabc123\n-----END EC PRIVATE KEY-----' }],
    ['a token in a message of an error', { error: new Error('refused Bearer abc123') }],
    ['a secret as a list', { secrets: ['abc123'] }],
  ])('blacks out %s', (_, fields) => {
    const text = formatLine({ at, level: 'info', message: 'm', fields })
    expect(text).not.toContain('abc123')
    expect(text).toContain('[redacted]')
  })

  it('survives what JSON cannot say', () => {
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    expect(
      line({
        big: 10n,
        circle,
        set: new Set([1]),
        map: new Map([['a', 1]]),
        run: () => 1,
        bytes: new Uint8Array(3),
        when: at,
        none: undefined,
      }),
    ).toEqual({
      ...head,
      big: '10',
      circle: { self: '[circular]' },
      set: [1],
      map: { a: 1 },
      run: '[function]',
      bytes: '[3 bytes]',
      when: '2026-01-01T00:00:00.000Z',
    })
  })

  it('does not let a field replace the message', () => {
    expect(line({ msg: 'other', level: 'x' })).toEqual({ ...head, field_msg: 'other', field_level: 'x' })
  })
})

describe('winston log', () => {
  function open(level: 'debug' | 'info' | 'error'): { readonly log: ReturnType<typeof openWinstonLog>; readonly lines: () => unknown[] } {
    let text = ''
    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        text += String(chunk)
        done()
      },
    })
    return {
      log: openWinstonLog({ level, stream, fields: { component: 'test' }, now: () => at }),
      lines: () =>
        text
          .split('\n')
          .filter((part) => part !== '')
          .map((part) => JSON.parse(part)),
    }
  }

  it('writes one line per call, with the fields of its parents', () => {
    const { log, lines } = open('info')
    log.child({ node: 'a' }).child({ pod: 'b' }).info('something happened', { message: 'inner', n: 1 })
    expect(lines()).toEqual([{ ...head, component: 'test', node: 'a', pod: 'b', message: 'inner', n: 1 }])
  })

  it.each([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['error', ['error']],
  ] as const)('at level %s writes %j', (level, expected) => {
    const { log, lines } = open(level)
    log.debug('m')
    log.info('m')
    log.warn('m')
    log.error('m')
    expect(lines()).toEqual(expected.map((name) => expect.objectContaining({ level: name })))
  })
})
