// Holds interface names to the numbering pods rely on.
import { lowestFreeName, nameInterfaces, nameTkeInterfaces } from '#api/annotations/naming'
import { sentenceOf } from '#api/json'

const asks = (...names: (string | undefined)[]) =>
  names.map((ifName, index) => ({ path: index === 0 ? 'podnet' : `networks[${index - 1}]`, ...(ifName !== undefined && { ifName }) }))

describe('nameInterfaces', () => {
  it.each([
    ['numbers by position', asks(undefined, undefined, undefined), ['eth0', 'net1', 'net2']],
    ['does not shift numbers for explicit names', asks(undefined, 'foo', undefined), ['eth0', 'foo', 'net2']],
    ['lets default-network rename the primary', asks('pod0', undefined), ['pod0', 'net1']],
    ['lets another take eth0 then', asks('pod0', 'eth0'), ['pod0', 'eth0']],
  ])('%s', (_, requests, names) => expect(nameInterfaces(requests, 'eth0')).toEqual({ ok: true, names }))

  it.each([
    [
      "the primary's name",
      asks(undefined, 'eth0'),
      'networks[0]: the interface name "eth0" is already taken by podnet; ask for another name with "interface"',
    ],
    [
      'a name given twice',
      asks(undefined, 'a', 'a'),
      'networks[1]: the interface name "a" is already taken by networks[0]; ask for another name with "interface"',
    ],
    [
      'a number that the position gives',
      asks(undefined, 'net2', undefined),
      'networks[1]: the interface name "net2" is already taken by networks[0]; ask for another name with "interface"',
    ],
  ])('refuses %s', (_, requests, sentence) => {
    const outcome = nameInterfaces(requests, 'eth0')
    expect(outcome.ok ? 'accepted' : sentenceOf(outcome)).toBe(sentence)
  })
})

describe('nameTkeInterfaces', () => {
  it.each([
    ['the first is the primary', asks(undefined, undefined, 'north'), { primary: 0, names: ['eth0', 'eth1', 'north'] }],
    ['who asks for eth0 is the primary', asks(undefined, 'eth0', undefined), { primary: 1, names: ['eth1', 'eth0', 'eth2'] }],
    ['the first without a wish is the primary', asks('north', undefined), { primary: 1, names: ['north', 'eth0'] }],
  ])('%s', (_, requests, outcome) => expect(nameTkeInterfaces(requests, 'eth0')).toEqual({ ok: true, ...outcome }))

  it.each([
    ['when nobody takes eth0', asks('north'), 'no network takes "eth0"'],
    ['when two take eth0', asks('eth0', 'eth0'), 'the interface name "eth0" is already taken by podnet'],
  ])('refuses %s', (_, requests, problem) => expect(nameTkeInterfaces(requests, 'eth0')).toMatchObject({ ok: false, problem }))
})

it.each([
  [[], 'net1'],
  [['net1', 'net3'], 'net2'],
  [['eth0', 'net1', 'net2'], 'net3'],
])('lowestFreeName beside %j is %s', (taken, name) => expect(lowestFreeName(new Set(taken))).toBe(name))
