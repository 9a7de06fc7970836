import { failureOfAnswer, failureOfNetwork, retryAfterMs } from './kube-status.ts'
import { parseWatchEvent } from './watch-events.ts'

const answer = (change: Readonly<Record<string, unknown>>) => ({ status: 500, retryAfter: undefined, text: '', now: 0, ...change })
const status = (change: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', ...change })

describe('failureOfAnswer', () => {
  it('keeps reason, message and the fields that were refused', () => {
    const text = status({
      code: 422,
      reason: 'Invalid',
      message: 'spec.mtu: Invalid value: 1',
      details: { causes: [{ field: 'spec.mtu', reason: 'FieldValueInvalid', message: 'too small' }] },
    })
    expect(failureOfAnswer('apply nets a', answer({ status: 422, text }))).toEqual({
      status: 422,
      reason: 'Invalid',
      message: 'apply nets a was refused with 422 Invalid: spec.mtu: Invalid value: 1',
      causes: [{ field: 'spec.mtu', reason: 'FieldValueInvalid', message: 'too small' }],
      retryAfterMs: undefined,
    })
  })

  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['an empty body', { status: 503 }, 'get a was refused with 503'],
    ['a page of a proxy', { status: 502, text: '<html>\n  bad\n</html>' }, 'get a was refused with 502: <html> bad </html>'],
    ['JSON that is no Status', { status: 500, text: '[1]' }, 'get a was refused with 500: [1]'],
    ['a Status with wrong types', { status: 500, text: status({ message: 7, details: { causes: 'x' } }) }, 'get a was refused with 500'],
  ])('tells %s', (_, given, message) => {
    expect(failureOfAnswer('get a', answer(given))).toMatchObject({ message, causes: [] })
  })

  it('cuts what it quotes', () => {
    expect(failureOfAnswer('get a', answer({ text: 'x'.repeat(10_000) })).message.length).toBeLessThan(350)
  })

  it.each<[string, Readonly<Record<string, unknown>>, number | undefined]>([
    ['the header in seconds', { retryAfter: '3' }, 3000],
    ['the header as a date', { retryAfter: 'Thu, 01 Jan 1970 00:00:05 GMT', now: 2000 }, 3000],
    ['the details', { text: status({ details: { retryAfterSeconds: 4 } }) }, 4000],
    ['the header before the details', { retryAfter: '3', text: status({ details: { retryAfterSeconds: 4 } }) }, 3000],
    ['nothing', {}, undefined],
    ['nonsense', { retryAfter: 'soon' }, undefined],
  ])('reads how long to wait from %s', (_, given, ms) => {
    expect(failureOfAnswer('get a', answer({ status: 429, ...given })).retryAfterMs).toBe(ms)
  })

  it('never waits a negative time', () => {
    expect(retryAfterMs('Thu, 01 Jan 1970 00:00:05 GMT', 9000)).toBe(0)
  })
})

describe('failureOfNetwork', () => {
  it('finds the code along the causes', () => {
    const cause = Object.assign(new Error('x'), { code: 'ECONNRESET' })
    expect(failureOfNetwork('get a', new Error('fetch failed', { cause })).message).toBe(
      'get a got no answer (ECONNRESET); check that the API server is reachable from here',
    )
  })
})

describe('parseWatchEvent', () => {
  it.each<[string, string, unknown]>([
    ['an object', '{"type":"ADDED","object":{"a":1}}', { type: 'ADDED', object: { a: 1 } }],
    [
      'a bookmark',
      '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}}',
      { type: 'BOOKMARK', resourceVersion: '7', initialEventsEnd: false },
    ],
    [
      'the end of the initial state',
      '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7","annotations":{"k8s.io/initial-events-end":"true"}}}}',
      { type: 'BOOKMARK', resourceVersion: '7', initialEventsEnd: true },
    ],
    [
      'an error',
      `{"type":"ERROR","object":${status({ code: 410, reason: 'Expired' })}}`,
      { type: 'ERROR', error: expect.objectContaining({ status: 410, reason: 'Expired' }) },
    ],
  ])('reads %s', (_, line, event) => {
    expect(parseWatchEvent('watch a', line)).toEqual(event)
  })

  it.each(['{"type":"ADDED"', 'null', '7', '{"type":"ADDED"}', '{"type":"OTHER","object":{}}', '{"type":"BOOKMARK","object":{}}'])(
    'refuses %s',
    (line) => {
      expect(() => parseWatchEvent('watch a', line)).toThrow('watch a sent a line that is not a watch event')
    },
  )
})
