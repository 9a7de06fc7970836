// Holds IP arithmetic to two well-known libraries over random addresses, and to the forms we refuse.
import { containsCidr as referenceContains, normalizeCidr } from 'cidr-tools'
import * as fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { canonicalIp, contains, containsCidr, formatCidr, formatIp, hostPart, networkOf, parseCidr, parseIp, unmapped } from '#api/ip'
import type { Cidr } from '#api/ip'

const v4Cidr = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([ip, prefix]) => `${ip}/${prefix}`)
const v6Cidr = fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })).map(([ip, prefix]) => `${ip}/${prefix}`)

function cidr(text: string): Cidr {
  const parsed = parseCidr(text)
  if (parsed === undefined) throw new Error(`not a CIDR: ${text}`)
  return parsed
}

describe('parseIp', () => {
  it.each([
    '10.1',
    '010.0.0.1',
    '0x7f.1',
    '256.1.1.1',
    '1.2.3.4.5',
    '',
    ' 10.0.0.1',
    '10.0.0.1 ',
    '::1%eth0',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1.2.3',
    '1.2.3.4::',
    '12345::',
    '١.0.0.1',
    ':1',
    '1:',
  ])('refuses %j', (text) => {
    expect(parseIp(text)).toBeUndefined()
  })

  it.each([
    ['FD00:0:0:0:0:0:0:5', 'fd00::5'],
    ['::', '::'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ['64:ff9b::10.0.0.1', '64:ff9b::a00:1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['10.0.0.1', '10.0.0.1'],
  ])('writes %s as %s', (text, expected) => expect(canonicalIp(text)).toBe(expected))

  it('agrees with ipaddr.js on every IPv4 address', () => {
    fc.assert(fc.property(fc.ipV4(), (text) => expect(canonicalIp(text)).toBe(ipaddr.IPv4.parse(text).toString())))
    fc.assert(fc.property(fc.string(), (text) => expect(parseIp(text)?.family === 4).toBe(ipaddr.IPv4.isValidFourPartDecimal(text))))
  })

  it('agrees with ipaddr.js on every IPv6 address', () => {
    fc.assert(
      // ipaddr.js takes `::1.2.3.4` for a mapped address, which RFC 4291 writes with ffff.
      fc.property(
        fc.ipV6().filter((text) => !/^::\d+\./.test(text)),
        (text) => {
          const ip = parseIp(text)
          const canonical = ip === undefined ? '' : formatIp(ip)
          expect(ipaddr.IPv6.parse(canonical).toNormalizedString()).toBe(ipaddr.IPv6.parse(text).toNormalizedString())
          expect(parseIp(canonical)).toEqual(ip)
          if (ip !== undefined && unmapped(ip) === ip) expect(canonical).toBe(ipaddr.IPv6.parse(text).toRFC5952String())
        },
      ),
    )
  })
})

describe('CIDRs', () => {
  it.each(['10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/08', '10.0.0.0/-1', '10.0.0.0', '/24', '10.0.0.0/8/8'])('refuses %j', (text) => {
    expect(parseCidr(text)).toBeUndefined()
  })

  it('have the network that cidr-tools finds', () => {
    fc.assert(
      fc.property(fc.oneof(v4Cidr, v6Cidr), (text) =>
        expect(canonicalOf(formatCidr(networkOf(cidr(text))))).toBe(canonicalOf(normalizeCidr(text))),
      ),
    )
  })

  it('contain what cidr-tools says', () => {
    const pairs = fc.oneof(fc.tuple(v4Cidr, v4Cidr), fc.tuple(v6Cidr, v6Cidr), fc.tuple(v4Cidr, v6Cidr), nested())
    fc.assert(
      fc.property(pairs, ([outer, inner]) =>
        expect(containsCidr(cidr(outer), cidr(inner))).toBe(referenceContains(normalizeCidr(outer), normalizeCidr(inner))),
      ),
    )
  })

  it('are network and host part', () => {
    fc.assert(
      fc.property(fc.oneof(v4Cidr, v6Cidr), (text) => {
        const whole = cidr(text)
        expect(BigInt(networkOf(whole).ip.value) + hostPart(whole)).toBe(BigInt(whole.ip.value))
        expect(contains(whole, whole.ip)).toBe(true)
      }),
    )
  })
})

/** Pairs that share an address, so that containment is often true. */
function nested(): fc.Arbitrary<[string, string]> {
  return fc.tuple(fc.ipV4(), fc.nat(32), fc.nat(32)).map(([ip, a, b]) => [`${ip}/${Math.min(a, b)}`, `${ip}/${Math.max(a, b)}`])
}

/** The same spelling for both sides: libraries differ only in how they write mapped addresses. */
function canonicalOf(text: string): string {
  return formatCidr(cidr(text))
}
