// Holds the annotation grammar to both forms, all element keys, and a sentence with key, index, field, value and remedy for each refusal.
import * as fc from 'fast-check'
import { parseDefaultNetwork, parseNetworks, parseSelections } from '#api/annotations/networks'
import { kuryrSubnetOf, parseKuryrSubnets } from '#api/annotations/kuryr'
import { isPlain, TKE_NETWORKS_KEY } from '#api/annotations/keys'
import { sentenceOf } from '#api/json'
import type { NetworksOutcome } from '#api/annotations/selection'

const KEY = 'k8s.v1.cni.cncf.io/networks'
const pod = { namespace: 'pod-ns' }

function told(outcome: NetworksOutcome): string {
  return outcome.ok ? 'accepted' : sentenceOf(outcome)
}

describe('the short form', () => {
  it.each([
    ['a', [{ namespace: 'pod-ns', name: 'a' }]],
    [
      ' a , ns/b ',
      [
        { namespace: 'pod-ns', name: 'a' },
        { namespace: 'ns', name: 'b' },
      ],
    ],
    ['a@foo,b', [{ name: 'a', ifName: 'foo' }, { name: 'b' }]],
    ['a,a', [{ name: 'a' }, { name: 'a' }]],
    ['ns/a@Eth_1.5', [{ namespace: 'ns', name: 'a', ifName: 'Eth_1.5' }]],
    ['', []],
  ])('reads %j', (value, networks) => expect(parseNetworks(value, pod)).toMatchObject({ ok: true, networks, optOut: false }))

  it.each([
    ['a/b/c', '[0]: "a/b/c" holds more than one "/" or "@"; write [namespace/]name[@interface]'],
    ['a@b@c', '[0]: "a@b@c" holds more than one "/" or "@"; write [namespace/]name[@interface]'],
    ['a,', '[1]: "" names no network; use lower-case letters, digits and "-"'],
    ['ok,Bad', '[1]: "Bad" is not a name; use lower-case letters, digits and "-"'],
    ['/a', '[0]: "/a" names no network; use lower-case letters, digits and "-"'],
    ['a.b', '[0]: "a.b" is not a name; write the JSON form, which takes names with dots'],
    ['n\u0435t', '[0]: "nеt" is not a name; use lower-case letters, digits and "-"'],
    ['a@', '[0]: "" is not an interface name: it is empty; use 1 to 15 letters, digits, ".", "_" or "-"'],
    ['a@sixteen-letters-', '[0]: "sixteen-letters-" is not an interface name'],
    ['a@x:1', '[0]: "x:1" is not an interface name: it holds a space, "/" or ":"; use 1 to 15 letters, digits, ".", "_" or "-"'],
    ['a@..', '[0]: ".." is not an interface name: it is a directory; use 1 to 15 letters, digits, ".", "_" or "-"'],
    [' ', '[0]: "" names no network; use lower-case letters, digits and "-"'],
  ])('refuses %j', (value, sentence) => expect(told(parseNetworks(value, pod))).toContain(sentence))

  it('knows "none" as opting out of default networks', () => {
    expect(parseNetworks(' none ', pod)).toEqual({ ok: true, networks: [], optOut: true, warnings: [] })
    expect(parseNetworks('ns/none', pod)).toMatchObject({ networks: [{ name: 'none' }], optOut: false })
  })
})

describe('the JSON form', () => {
  it('reads every key of an element', () => {
    const element = {
      name: 'a.b',
      namespace: 'ns',
      interface: 'foo',
      ips: ['10.1.1.7/24', 'fd00::7'],
      mac: '02-23-45-67-89-01',
      'infiniband-guid': 'c2:11:22:33:44:55:66:77',
      portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'TCP', hostIP: '' }],
      bandwidth: { ingressRate: 1000 },
      'default-route': [],
      'cni-args': { k: { deep: true } },
      deviceID: '0000:01:00.1',
      'ipam-claim-reference': 'vm-a',
      'plexus.dev/required': false,
    }
    expect(parseNetworks(JSON.stringify([element]), pod)).toMatchObject({
      networks: [
        {
          namespace: 'ns',
          name: 'a.b',
          path: `${KEY}[0]`,
          ifName: 'foo',
          ips: ['10.1.1.7/24', 'fd00::7'],
          mac: '02-23-45-67-89-01',
          infinibandGuid: 'c2:11:22:33:44:55:66:77',
          portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'TCP' }],
          bandwidth: { ingressRate: 1000, ingressBurst: 0, egressRate: 0, egressBurst: 0 },
          defaultRoute: [],
          cniArgs: { k: { deep: true } },
          deviceId: '0000:01:00.1',
          ipamClaimReference: 'vm-a',
          required: false,
        },
      ],
    })
  })

  it.each([
    [
      'empty strings and nulls like absent keys',
      '[{"name":"a","namespace":"","mac":null,"ips":[],"interface":""}]',
      { namespace: 'pod-ns', name: 'a', path: `${KEY}[0]`, required: true },
    ],
    [
      'keys in another case, as Go does',
      '[{"Name":"a","IPs":["10.0.0.1"]}]',
      { namespace: 'pod-ns', name: 'a', path: `${KEY}[0]`, ips: ['10.0.0.1'], required: true },
    ],
    [
      'the old key of the interface',
      '[{"name":"a","interfaceRequest":"north"}]',
      { namespace: 'pod-ns', name: 'a', path: `${KEY}[0]`, ifName: 'north', required: true },
    ],
  ])('takes %s', (_, value, network) => {
    const outcome = parseNetworks(value, pod)
    expect(outcome.ok ? outcome.networks : told(outcome)).toEqual([network])
  })

  it("warns of a key that nobody knows, but not of somebody else's", () => {
    const outcome = parseNetworks('[{"name":"a","ip":"10.0.0.1","example.org/x":1}]', pod)
    expect(outcome.ok ? outcome.warnings : []).toEqual([expect.stringContaining(`${KEY}[0].ip: is not a key we know and is ignored`)])
  })

  it.each([
    ['an object', '{"name":"a"}', ': is {"name":"a"} and not a list; write a list such as [{"name": "net-a"}]'],
    [
      'broken JSON',
      '[{"name":"a"},]',
      ': not valid JSON at position 14: a value was expected, "]" is there; correct it, or pass it through a JSON formatter',
    ],
    [
      'a duplicate key',
      '[{"name":"a"},{"name":"b","mac":"","mac":""}]',
      '[1].mac: the key "mac" is written twice in one object; keep one of them',
    ],
    ['two spellings of a key', '[{"name":"a","NAME":"b"}]', '[0].NAME: is written twice; keep one of them'],
    ['a string as element', '["a"]', '[0]: is "a" and not an object; write an object such as {"name": "net-a"}'],
    ['null as element', '[null]', '[0]: is null and not an object; write an object such as {"name": "net-a"}'],
    ['no name', '[{"namespace":"a"}]', '[0].name: is missing; write the name of a NetworkAttachmentDefinition'],
    ['a name with a namespace', '[{"name":"ns/a"}]', '[0].name: "ns/a" holds a "/"; write the part before it as "namespace"'],
    ['a name in capitals', '[{"name":"A"}]', '[0].name: "A" is not a name; use lower-case letters, digits, "-" and "."'],
    [
      'a namespace with a path',
      '[{"name":"a","namespace":"../b"}]',
      '[0].namespace: "../b" is not a namespace; use lower-case letters, digits and "-"',
    ],
    [
      'an address that is none',
      '[{"name":"a"},{"name":"b","ips":["10.0.0.1","10.0.0.256"]}]',
      '[1].ips[1]: "10.0.0.256" is not an IP address; write one such as "10.1.1.7/24" or "fd00::7/64"',
    ],
    [
      'ips as a string',
      '[{"name":"a","ips":"10.0.0.1"}]',
      '[0].ips: "10.0.0.1" is not a list of strings; write a list such as ["10.1.1.7/24"]',
    ],
    [
      'a MAC that is none',
      '[{"name":"a","mac":"02:00"}]',
      '[0].mac: "02:00" is not a hardware address; write pairs of hexadecimal digits such as "02:23:45:67:89:01"',
    ],
    [
      'a GUID that is none',
      '[{"name":"a","infiniband-guid":"x"}]',
      '[0].infiniband-guid: "x" is not a hardware address; write pairs of hexadecimal digits such as "c2:11:22:33:44:55:66:77"',
    ],
    [
      'a MAC that would forge CNI_ARGS',
      '[{"name":"a","mac":"02:00:00:00:00:01;IP=1"}]',
      '[0].mac: "02:00:00:00:00:01;IP=1" is not a hardware address',
    ],
    [
      'an interface with a slash',
      '[{"name":"a","interface":"a/b"}]',
      '[0].interface: "a/b" is not an interface name: it holds a space, "/" or ":"; use 1 to 15 letters',
    ],
    [
      'two interfaces',
      '[{"name":"a","interface":"a","interfaceRequest":"b"}]',
      '[0].interfaceRequest: "b" contradicts "interface"; write only "interface"',
    ],
    [
      'a metric that is none',
      '[{"name":"a","default-route":["10.0.0.1"],"plexus.dev/default-route-metric":0}]',
      '[0]["plexus.dev/default-route-metric"]: 0 is not a metric; write a number from 1 to 4294967295',
    ],
    [
      'a metric without a gateway',
      '[{"name":"a","default-route":[],"plexus.dev/default-route-metric":7}]',
      '[0]["plexus.dev/default-route-metric"]: has no gateway to apply to; write a gateway in "default-route", or remove the metric',
    ],
    [
      'a gateway with a prefix',
      '[{"name":"a","default-route":["10.0.0.1/24"]}]',
      '[0].default-route[0]: "10.0.0.1/24" is not an IP address; write a gateway such as "10.1.1.254"',
    ],
    [
      'cni-args that are a list',
      '[{"name":"a","cni-args":[]}]',
      '[0].cni-args: is [] and not an object; write an object such as {"key": "value"}',
    ],
    [
      'a port that is none',
      '[{"name":"a","portMappings":[{"hostPort":70000,"containerPort":80}]}]',
      '[0].portMappings[0].hostPort: 70000 is not a port; write a number from 0 to 65535',
    ],
    [
      'a protocol that is none',
      '[{"name":"a","portMappings":[{"protocol":"icmp"}]}]',
      '[0].portMappings[0].protocol: "icmp" is not a protocol; write "tcp", "udp" or "sctp"',
    ],
    [
      'a rate that is a string',
      '[{"name":"a","bandwidth":{"egressRate":"10M"}}]',
      '[0].bandwidth.egressRate: "10M" is not a number of bits; write a whole number, 0 for no limit',
    ],
    [
      'required that is a word',
      '[{"name":"a","plexus.dev/required":"no"}]',
      '[0]["plexus.dev/required"]: "no" is not a boolean; write true or false',
    ],
    ['a NUL', '[{"name":"a","deviceID":"\\u0000"}]', '[0].deviceID: holds a NUL character; remove "\\u0000"'],
    ['257 networks', JSON.stringify(Array.from({ length: 257 }, () => ({ name: 'a' }))), ': asks for 257 networks; ask for at most 256'],
  ])('refuses %s', (_, value, sentence) => expect(told(parseNetworks(value, pod))).toContain(KEY + sentence))

  it('never throws, whatever is written', () => {
    const key = fc.constantFrom(
      'name',
      'namespace',
      'interface',
      'ips',
      'mac',
      'portMappings',
      'bandwidth',
      'default-route',
      'cni-args',
      'x',
    )
    const elements = fc.array(fc.dictionary(key, fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constant('a'))))
    fc.assert(
      fc.property(elements, (list) => typeof parseNetworks(JSON.stringify(list), pod).ok === 'boolean'),
      { numRuns: 500 },
    )
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => typeof parseNetworks(text, pod).ok === 'boolean'))
  })
})

describe('the other keys', () => {
  it.each([
    ['a', 'accepted'],
    ['', 'accepted'],
    ['a,b', 'v1.multus-cni.io/default-network: names 2 networks; name exactly one'],
    ['[]', 'v1.multus-cni.io/default-network: names 0 networks; name exactly one'],
  ])('default-network %j: %s', (value, sentence) => expect(told(parseDefaultNetwork(value, { namespace: 'kube-system' }))).toBe(sentence))

  it('TKE has the same grammar under its own name', () => {
    expect(told(parseSelections('a b', { key: TKE_NETWORKS_KEY, namespace: 'x' }))).toContain(
      'tke.cloud.tencent.com/networks[0]: "a b" is not a name',
    )
  })

  it.each([
    ['', { ok: true, subnets: [] }],
    ['["a-1","b"]', { ok: true, subnets: ['a-1', 'b'] }],
    ['["a b"]', { ok: false, path: 'openstack.org/kuryr-additional-subnets[0]' }],
    ['{"a":1}', { ok: false, path: 'openstack.org/kuryr-additional-subnets' }],
    ['[', { ok: false, path: 'openstack.org/kuryr-additional-subnets' }],
  ])('Kuryr subnets %j', (value, outcome) => expect(parseKuryrSubnets(value)).toMatchObject(outcome))

  it('a NAD says which subnet of Kuryr it stands for', () => {
    expect(kuryrSubnetOf({ 'openstack.org/kuryr-config': '{"subnetId":"a-1"}' })).toBe('a-1')
    expect(kuryrSubnetOf({ 'openstack.org/kuryr-config': 'x' })).toBeUndefined()
    expect(kuryrSubnetOf({})).toBeUndefined()
  })
})

describe('isPlain', () => {
  it.each([
    ['no annotations', {}, true],
    ['others', { 'example.org/x': 'y' }, true],
    ['empty ones', { [KEY]: '', [TKE_NETWORKS_KEY]: '' }, true],
    ['none', { [KEY]: 'none' }, true],
    ['networks', { [KEY]: 'a' }, false],
    ['a space, which is an error and not nothing', { [KEY]: ' ' }, false],
    ['a default network', { 'v1.multus-cni.io/default-network': 'a' }, false],
    ['TKE networks', { [TKE_NETWORKS_KEY]: 'none' }, false],
    ['Kuryr subnets', { 'openstack.org/kuryr-additional-subnets': '[]' }, false],
  ])('with %s', (_, annotations, plain) => expect(isPlain(annotations)).toBe(plain))
})
