import { X509Certificate } from 'node:crypto'
import { createAuthority, issueServing, isUsable, lifetimeOf } from './certificates.ts'

const now = new Date('2026-01-01T00:00:00Z')
const day = 86_400_000
const names = ['plexus-operator.plexus-system.svc', 'plexus-stream.plexus-system.svc']

describe('the certificates of the stream', () => {
  it('hold together: the CA signs a certificate for the names, valid now and in spite of a slow clock', async () => {
    const authority = await createAuthority(now)
    const serving = await issueServing(authority, names, now)
    const [ca, leaf] = [new X509Certificate(authority.cert), new X509Certificate(serving.cert)]
    expect([ca.ca, leaf.ca]).toEqual([true, false])
    expect(leaf.verify(ca.publicKey)).toBe(true)
    expect(leaf.checkIssued(ca)).toBe(true)
    expect(names.map((name) => leaf.checkHost(name))).toEqual(names)
    expect(leaf.checkHost('other.svc')).toBeUndefined()
    expect(Date.parse(leaf.validFrom)).toBe(now.getTime() - 3_600_000)
    expect(Date.parse(leaf.validTo)).toBe(now.getTime() + 90 * day)
    expect(leaf.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
  })

  it('never outlive their authority', async () => {
    const authority = await createAuthority(new Date(now.getTime() - 3 * 365 * day + day))
    const serving = await issueServing(authority, names, now)
    expect(lifetimeOf(serving.cert)?.notAfter).toEqual(lifetimeOf(authority.cert)?.notAfter)
  })

  it('are to be renewed after two thirds of their life', async () => {
    const { cert } = await createAuthority(now)
    const lifetime = lifetimeOf(cert)
    const whole = 3 * 365 * day + 3_600_000
    expect(lifetime?.renewAt.getTime()).toBe(now.getTime() - 3_600_000 + (whole * 2) / 3)
  })

  it('tell a usable authority from a damaged one', async () => {
    const [one, other] = [await createAuthority(now), await createAuthority(now)]
    const leaf = await issueServing(one, names, now)
    expect(isUsable(one, now)).toBe(true)
    expect(isUsable({ cert: one.cert, key: other.key }, now)).toBe(false)
    expect(isUsable({ cert: 'x', key: one.key }, now)).toBe(false)
    expect(isUsable({ cert: one.cert, key: 'x' }, now)).toBe(false)
    expect(isUsable(leaf, now)).toBe(false)
    expect(isUsable(one, new Date(now.getTime() + 3 * 365 * day))).toBe(false)
  })
})
