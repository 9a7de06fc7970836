import { networkKey, parseContainerId, parseIfName, parseNetworkKey, parseNodeName } from './ids.ts'

describe('identifiers', () => {
  it.each([
    ['a usual interface', 'net1', true],
    ['a name of 15 bytes', 'a'.repeat(15), true],
    ['upper case, dots and underscores, as Multus allows', 'Eth_0.100', true],
    ['an empty name', '', false],
    ['a name of 16 bytes', 'a'.repeat(16), false],
    ['the name of a directory', '..', false],
    ['a path', 'a/b', false],
    ['an alias', 'eth0:1', false],
    ['white space', 'a b', false],
    ['15 characters that are 30 bytes', 'ü'.repeat(15), false],
    ['a control character', 'a\u0001', false],
  ])('parseIfName: %s', (_, text, valid) => {
    expect(parseIfName(text)).toBe(valid ? text : undefined)
  })

  it.each([
    ['a hash', 'f00d'.repeat(16), true],
    ['a path', '../etc', false],
    ['a leading dot', '.hidden', false],
    ['more than a file name can hold', 'a'.repeat(201), false],
    ['nothing', '', false],
  ])('parseContainerId: %s', (_, text, valid) => {
    expect(parseContainerId(text)).toBe(valid ? text : undefined)
  })

  it.each([
    ['namespace and name', 'default/macvlan', true],
    ['a name with dots, as the API server allows', 'default/a.b', true],
    ['no namespace', 'macvlan', false],
    ['two slashes', 'a/b/c', false],
    ['upper case', 'Default/a', false],
    ['a dotted namespace', 'a.b/c', false],
  ])('parseNetworkKey: %s', (_, text, valid) => {
    expect(parseNetworkKey(text)).toBe(valid ? text : undefined)
  })

  it('networkKey and parseNetworkKey agree', () => {
    expect(networkKey('default', 'macvlan')).toBe(parseNetworkKey('default/macvlan'))
  })

  it('parseNodeName takes DNS subdomains only', () => {
    expect([parseNodeName('node-1.example.org'), parseNodeName('Node'), parseNodeName('')]).toEqual([
      'node-1.example.org',
      undefined,
      undefined,
    ])
  })
})
