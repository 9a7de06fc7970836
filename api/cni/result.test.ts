// Holds results and their conversions to containernetworking/cni (golden files, made by e2e/golden), and to round trips.
import * as fc from 'fast-check'
import { type CniResult, hasAddressOn, parseResult } from '#api/cni/result'
import { resultAs } from '#api/cni/result-text'
import { CNI_VERSIONS, type CniVersion } from '#api/cni/version'
import type { Json } from '#api/json'
import { sentenceOf } from '#api/json'
import { sortedJson } from '#api/json-text'
import { goldenFiles } from '../testdata/golden.ts'

interface Golden {
  readonly result: Json
  readonly as: Readonly<Record<CniVersion, { readonly json?: Json; readonly refused?: boolean }>>
}

function parsed(json: Json, version: CniVersion = '1.0.0'): CniResult {
  const outcome = parseResult(json, version)
  if (!outcome.ok) throw new Error(sentenceOf(outcome))
  return outcome.result
}

describe('result conversions', () => {
  const files = goldenFiles('results') as readonly (readonly [string, Golden])[]
  const cases = files.flatMap(([name, golden]) => CNI_VERSIONS.map((version) => [name, version, golden] as const))

  it.each(cases)('write %s in %s as the reference library does', (_, version, { result, as }) => {
    const written = resultAs(parsed(result), version)
    expect(written.ok ? written.json : 'refused').toEqual(as[version].refused === true ? 'refused' : as[version].json)
  })

  it('say what to do when the version cannot hold the result', () => {
    const written = resultAs(parsed({ interfaces: [{ name: 'net1' }] }), '0.2.0')
    expect(written.ok ? '' : sentenceOf(written)).toBe(
      'ips: is empty, which CNI 0.2.0 cannot say; write "cniVersion": "1.0.0" in the network\'s config',
    )
  })

  it.each(CNI_VERSIONS)('come back unchanged from %s, apart from what it cannot say', (version) => {
    fc.assert(
      fc.property(results(version), (result) => {
        const written = resultAs(result, version)
        if (!written.ok) return result.ips.length === 0
        expect(parsed(JSON.parse(sortedJson(written.json)))).toEqual({ ...result, cniVersion: version })
        return true
      }),
    )
  })
})

describe('parseResult', () => {
  it.each([
    ['nothing', null, { cniVersion: '1.0.0', interfaces: [], ips: [], routes: [], dns: {} }],
    [
      'a result without a version, by the conf',
      { ips: [{ address: '10.0.0.1/8' }] },
      { cniVersion: '1.0.0', ips: [{ address: '10.0.0.1/8' }] },
    ],
    [
      'nulls like absent keys',
      { interfaces: null, ips: [{ address: 'FD00::1/64', gateway: null }], dns: null },
      { interfaces: [], ips: [{ address: 'fd00::1/64' }], dns: {} },
    ],
  ])('reads %s', (_, json, result) => expect(parsed(json)).toMatchObject(result))

  it.each([
    ['a list', [], ': is [] and not an object'],
    ['an unknown version', { cniVersion: '2.0.0' }, 'cniVersion: "2.0.0" is not one of'],
    [
      'an address without a prefix',
      { ips: [{ address: '10.0.0.1' }] },
      'ips[0].address: is "10.0.0.1" and not an address with a prefix length',
    ],
    ['a route without a destination', { routes: [{}] }, 'routes[0].dst: is nothing and not an address'],
    ['a gateway that is a number', { ips: [{ address: '10.0.0.1/8', gateway: 1 }] }, 'ips[0].gateway: is 1 and not a string'],
    ['an index that is a string', { ips: [{ address: '10.0.0.1/8', interface: '0' }] }, 'ips[0].interface: is "0" and not an integer'],
    ['an old address that is a string', { cniVersion: '0.2.0', ip4: '10.0.0.1' }, 'ip4: is "10.0.0.1" and not an object'],
    [
      'an old route that is none',
      { cniVersion: '0.2.0', ip4: { ip: '10.0.0.1/8', routes: ['x'] } },
      'ip4.routes[0]: is "x" and not an object',
    ],
  ])('refuses %s and names the field', (_, json, sentence) => {
    const outcome = parseResult(json, '1.0.0')
    expect(outcome.ok ? '' : `${outcome.path}: ${outcome.problem}`).toContain(sentence)
  })

  it('never throws, whatever a plugin prints', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom(...CNI_VERSIONS),
        (json, version) => typeof parseResult(json as Json, version).ok === 'boolean',
      ),
    )
  })
})

describe('hasAddressOn: what a runtime takes for the pod interface with an address', () => {
  const ip = { address: '10.1.0.2/24' }
  it.each<[string, Json, boolean]>([
    ['an address of the interface', { interfaces: [{ name: 'veth1' }, { name: 'eth0' }], ips: [{ ...ip, interface: 1 }] }, true],
    ['an address of no interface, as Calico prints', { interfaces: [{ name: 'cali1' }], ips: [ip] }, true],
    ['an address without interfaces', { cniVersion: '0.2.0', ip4: { ip: ip.address } }, true],
    ['an address of another interface', { interfaces: [{ name: 'veth1' }, { name: 'eth0' }], ips: [{ ...ip, interface: 0 }] }, false],
    ['an address of an interface that is not there', { interfaces: [{ name: 'eth0' }], ips: [{ ...ip, interface: 7 }] }, false],
    ['the interface without an address', { interfaces: [{ name: 'eth0' }] }, false],
    ['nothing', {}, false],
  ])('%s', (_, json, expected) => {
    expect(hasAddressOn(parsed(json), 'eth0')).toBe(expected)
  })
})

/** Results that hold only what `version` can say, so that nothing may get lost. */
function results(version: CniVersion): fc.Arbitrary<CniResult> {
  const ip4 = fc.tuple(fc.ipV4(), fc.nat(32)).map(([ip, prefix]) => `${ip}/${prefix}`)
  const isOld = version < '0.3.0'
  const isNew = version >= '1.0.0'
  const name = fc.string({ minLength: 1, maxLength: 15 })
  const interfaces = fc.record(
    { name, ...fcIf(isNew, { mtu: fc.integer({ min: 1, max: 65535 }), pciID: name }), sandbox: name, mac: name },
    { requiredKeys: ['name'] },
  )
  const ip = fc.record({ address: ip4, gateway: fc.ipV4(), ...fcIf(!isOld, { interface: fc.nat(3) }) }, { requiredKeys: ['address'] })
  const route = fc.record(
    { dst: ip4, gw: fc.ipV4(), ...fcIf(!isOld, { mtu: fc.integer({ min: 1 }), table: fc.nat() }) },
    { requiredKeys: ['dst'] },
  )
  return fc.record({
    cniVersion: fc.constant(version),
    interfaces: isOld ? fc.constant([]) : fc.array(interfaces, { maxLength: 4 }),
    ips: fc.array(ip, { minLength: isOld ? 1 : 0, maxLength: isOld ? 1 : 4 }),
    routes: fc.array(route, { maxLength: 4 }),
    dns: fc.record({ nameservers: fc.array(fc.ipV4(), { minLength: 1 }), domain: name }, { requiredKeys: [] }),
  })
}

function fcIf<Fields extends object>(condition: boolean, fields: Fields): Partial<Fields> {
  return condition ? fields : {}
}
