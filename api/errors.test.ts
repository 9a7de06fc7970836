import { ERRORS, PlexusError, toCniError } from './errors.ts'

describe('the error registry', () => {
  it('uses only codes that the CNI specification defines or leaves to plugins', () => {
    const allowed = (code: number): boolean =>
      (code >= 1 && code <= 7) || code === 11 || code === 50 || code === 51 || code === 100 || code === 999
    expect(Object.entries(ERRORS).filter(([, { cni }]) => !allowed(cni))).toEqual([])
  })

  it("keeps a delegate's own code and the cause", () => {
    const cause = new Error('exit 1')
    const error = new PlexusError('DelegateFailed', 'plugin macvlan failed', { cause, cniCode: 11 })
    expect(error.cause).toBe(cause)
    expect(toCniError(error, '1.0.0')).toEqual({ cniVersion: '1.0.0', code: 11, msg: 'plugin macvlan failed', details: 'DelegateFailed' })
  })

  it('tells the runtime nothing of an error that is not in the registry: it may hold a secret', () => {
    expect(JSON.stringify(toCniError(new Error('token abc')))).not.toContain('abc')
  })
})
