import { isKubeError, isOtherObject, KubeError } from './kube-error.ts'

const error = (change: Partial<KubeError>): KubeError =>
  new KubeError({ status: 500, reason: '', message: 'm', causes: [], retryAfterMs: undefined, ...change })
const uidCause = { field: 'metadata.uid', reason: 'FieldValueInvalid', message: 'field is immutable' }

describe('isKubeError', () => {
  it.each<[string, unknown, readonly (string | number)[], boolean]>([
    ['any', error({}), [], true],
    ['by status', error({ status: 404 }), [404, 409], true],
    ['by reason', error({ reason: 'Conflict' }), ['Conflict'], true],
    ['not another status', error({ status: 404 }), [409], false],
    ['not another error', new Error('x'), [], false],
  ])('tells %s', (_, given, anyOf, expected) => {
    expect(isKubeError(given, ...anyOf)).toBe(expected)
  })
})

describe('isOtherObject', () => {
  it.each<[string, KubeError, boolean]>([
    ['409 of PUT and DELETE', error({ status: 409 }), true],
    ['422 of a patch about the uid', error({ status: 422, causes: [uidCause] }), true],
    ['422 about anything else', error({ status: 422, causes: [{ ...uidCause, field: 'spec.mtu' }] }), false],
    ['404', error({ status: 404 }), false],
  ])('knows %s', (_, given, expected) => {
    expect(isOtherObject(given)).toBe(expected)
  })
})
