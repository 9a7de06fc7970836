import { assert, property, string } from 'fast-check'
import { formatPost, parseAnswer, utf8Length } from './http.ts'

describe('formatPost', () => {
  it('writes one request of known length that asks to close', () => {
    expect(formatPost('/v1/plan', { a: 'ü' })).toBe(
      'POST /v1/plan HTTP/1.1\r\nHost: plexus\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"a":"ü"}',
    )
  })

  it('counts bytes as UTF-8 does', () => {
    assert(property(string({ unit: 'binary' }), (text) => utf8Length(text) === Buffer.byteLength(text)))
  })
})

describe('parseAnswer', () => {
  it.each([
    ['an answer', 'HTTP/1.1 200 OK\r\nA: b\r\n\r\n{"a":1}', { status: 200, body: { a: 1 } }],
    ['a refusal', 'HTTP/1.1 409 Conflict\r\n\r\n{"code":11}', { status: 409, body: { code: 11 } }],
    ['an answer cut off in its head', 'HTTP/1.1 200 OK\r\nA', undefined],
    ['an answer cut off in its body', 'HTTP/1.1 200 OK\r\n\r\n{"a":1', undefined],
    ['a body that is a list', 'HTTP/1.1 200 OK\r\n\r\n[]', undefined],
    ['another protocol', 'SSH-2.0-OpenSSH\r\n\r\n{}', undefined],
    ['nothing', '', undefined],
  ])('reads %s', (_, text, parsed) => {
    expect(parseAnswer(text)).toEqual(parsed)
  })
})
