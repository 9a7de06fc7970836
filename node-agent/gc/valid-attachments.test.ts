import { sandbox } from '../attach/testing/context.ts'
import type { CachedResult } from '../attach/result-cache.ts'
import { networksToCollect } from './networks-to-collect.ts'
import { validAttachments } from './valid-attachments.ts'
import type { SandboxRecord } from '#api/sandbox-record'
import type { NetworkConfig } from '#api/cni/config'
import { parseNetworkConfig } from '#api/cni/config'

/** A record with `[conf name, ifName]` of each attachment. */
function record(containerId: string, ...made: readonly (readonly [string, string])[]): SandboxRecord {
  const attachments = made.map(([name, ifName]) => ({
    network: `shop/${name}`,
    ifName,
    primary: ifName === 'eth0',
    required: true,
    cniArgs: '',
    plugins: [{ type: 'macvlan', name, cniVersion: '1.1.0', runtimeConfig: { mac: 'x' } }],
    timeoutMs: 1,
  }))
  return sandbox({ containerId, attachments })
}

function cached(containerId: string, network: string, ifName: string): CachedResult {
  const pod = { namespace: '', name: '', uid: '' }
  return { containerId, network, ifName, netns: '', cniArgs: '', capabilityArgs: {}, config: '{}', pod }
}

const c1 = record('c1', ['cluster', 'eth0'], ['a', 'net1'], ['a', 'net2'])
const c2 = record('c2', ['cluster', 'eth0'], ['b', 'net1'])
const known = { records: [c1, c2], cached: [cached('m1', 'a', 'net5')], told: [{ containerID: 'c1', ifname: 'eth0' }] }
const valid = (containerID: string, ifname: string): object => ({ containerID, ifname })

describe('the valid attachments of a network', () => {
  it.each([
    ['the primary has one per sandbox', 'cluster', [valid('c1', 'eth0'), valid('c2', 'eth0')]],
    [
      'a further network has its own interfaces, and those cached by others',
      'a',
      [valid('c1', 'net1'), valid('c1', 'net2'), valid('m1', 'net5')],
    ],
    ['another one has only its own', 'b', [valid('c2', 'net1')]],
    ['a network without attachments has none', 'c', []],
  ])('%s', (_, network, expected) => expect(validAttachments(network, known)).toEqual(expected))

  it('hold what a runtime calls valid of a sandbox that nobody knows, in every network', () => {
    const told = [...known.told, { containerID: 'older', ifname: 'eth0' }]
    expect(validAttachments('b', { ...known, told })).toEqual([valid('c2', 'net1'), valid('older', 'eth0')])
  })
})

function config(value: object): NetworkConfig {
  const parsed = parseNetworkConfig(JSON.stringify(value), { path: '', name: 'x' })
  if (!parsed.ok) throw new Error(parsed.problem)
  return parsed.config
}

describe('the networks that are asked GC', () => {
  const primary = { name: 'cluster', cniVersion: '1.1.0', plugins: [{ type: 'bridge', name: 'cluster', cniVersion: '1.1.0' }] }
  const names = (sources: Parameters<typeof networksToCollect>[0]): readonly string[] => networksToCollect(sources).map(({ name }) => name)
  const none = { primary: undefined, configs: [], records: [] }
  const conf = { cniVersion: '1.1.0', name: 'a', type: 'macvlan' }

  it.each<[string, Partial<Parameters<typeof networksToCollect>[0]>, readonly string[]]>([
    [
      'the primary and every defined network, once each',
      { primary, configs: [config(conf), config(conf), config({ ...conf, name: 'b' })] },
      ['cluster', 'a', 'b'],
    ],
    ['networks that only records remember', { primary, records: [c1, c2] }, ['cluster', 'a', 'b']],
    [
      'none below 1.1.0',
      { primary: { ...primary, plugins: [{ ...conf, cniVersion: '1.0.0' }] }, configs: [config({ ...conf, cniVersion: '0.4.0' })] },
      [],
    ],
    [
      'none that says disableGC, though records remember it',
      { configs: [config({ cniVersion: '1.1.0', name: 'a', disableGC: true, plugins: [conf] })], records: [record('c1', ['a', 'net1'])] },
      [],
    ],
    ['not the primary when its list says disableGC', { primary: { ...primary, disableGC: true } }, []],
  ])('are %s', (_, sources, expected) => expect(names({ ...none, ...sources })).toEqual(expected))

  it('have every plugin of the list', () => {
    const [network] = networksToCollect({
      ...none,
      configs: [config({ cniVersion: '1.1.0', name: 'l', plugins: [{ type: 'a' }, { type: 'b' }] })],
    })
    expect(network?.plugins).toEqual([
      { type: 'a', name: 'l', cniVersion: '1.1.0' },
      { type: 'b', name: 'l', cniVersion: '1.1.0' },
    ])
  })
})
