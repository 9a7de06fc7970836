// Networks that a pod gets besides its own annotation: defaults of the profile and of its namespace, Kuryr's subnets, the auxiliary chain.
import { parseNetworkConfig } from '#api/cni/config'
import { type NetworkKey, parseNetworkKey } from '#api/ids'
import { labelSelector } from '#api/kinds/label-selector'
import { config, planned, type PlanChange } from './testing/plan-input.ts'

const NETWORKS = 'k8s.v1.cni.cncf.io/networks'
const SUBNETS = 'openstack.org/kuryr-additional-subnets'
const macvlan = config({ cniVersion: '1.0.0', name: 'a', type: 'macvlan' })
const rule = (matchLabels: Record<string, string>, ...networks: string[]) => ({ selector: labelSelector.parse({ matchLabels }), networks })

function places(change: PlanChange): unknown {
  const plan = planned(change)
  return plan.ok ? plan.attachments.map(({ network, ifName }) => `${network} ${ifName}`) : `${plan.code} ${plan.sentence}`
}

describe('default networks of a namespace', () => {
  const profile = { defaultNetworks: ['d'], namespaceDefaults: [rule({ team: 'red' }, 'r', 'd'), rule({ team: 'blue' }, 'b')] }
  const networks = { 'kube-system/d': macvlan, 'kube-system/r': macvlan, 'shop/a': macvlan }

  it.each<[string, PlanChange, readonly string[]]>([
    [
      'come after those of the profile, each network once',
      { request: { namespaceLabels: { team: 'red' } } },
      ['cluster eth0', 'kube-system/d net1', 'kube-system/r net2'],
    ],
    ['do not come to other namespaces', { request: { namespaceLabels: {} } }, ['cluster eth0', 'kube-system/d net1']],
    [
      'come before the annotation',
      { request: { namespaceLabels: { team: 'red' } }, annotations: { [NETWORKS]: 'a' } },
      ['cluster eth0', 'kube-system/d net1', 'kube-system/r net2', 'shop/a net3'],
    ],
    [
      'do not come to a pod that says none, whatever its namespace',
      { request: { namespaceLabels: undefined }, annotations: { [NETWORKS]: ' none ' } },
      ['cluster eth0'],
    ],
  ])('%s', (_, change, expected) => expect(places({ profile, networks, ...change })).toEqual(expected))

  it('do not come to system namespaces', () => {
    const change = { profile: { ...profile, systemNamespaces: ['shop'] }, request: { namespaceLabels: { team: 'red' } } }
    expect(places({ networks, ...change })).toEqual(['cluster eth0'])
  })

  it('make a pod of an unknown namespace wait instead of starting without them', () => {
    expect(places({ profile, networks })).toMatch(/^TryAgainLater namespace "shop": its labels are not known/)
  })
})

describe('the subnets of a Kuryr pod', () => {
  const key = (text: string): NetworkKey => {
    const parsed = parseNetworkKey(text)
    if (parsed === undefined) throw new Error(text)
    return parsed
  }
  const request = {
    networksOfSubnet: (subnet: string): readonly NetworkKey[] =>
      ({ one: [key('other/x'), key('shop/one')], two: [key('other/z'), key('other/y')] })[subnet] ?? [],
  }
  const networks = { 'shop/one': macvlan, 'other/y': macvlan }

  it("are the networks that stand for them, the pod's own namespace first, as eth1 and eth2", () => {
    expect(places({ annotations: { [SUBNETS]: '["one","two"]' }, request, networks })).toEqual([
      'cluster eth0',
      'shop/one eth1',
      'other/y eth2',
    ])
  })

  it('are refused when no network stands for one, with what to do', () => {
    expect(places({ annotations: { [SUBNETS]: '["three"]' }, request })).toBe(
      `NetworkNotFound ${SUBNETS}[0]: no NetworkAttachmentDefinition stands for subnet "three"; annotate one with openstack.org/kuryr-config: '{"subnetId": "three"}'`,
    )
  })

  it('are refused when they are not a list', () => {
    expect(places({ annotations: { [SUBNETS]: '{}' } })).toMatch(/^InvalidAnnotation openstack.org\/kuryr-additional-subnets/)
  })
})

describe('the auxiliary chain', () => {
  const chain = parseNetworkConfig(
    JSON.stringify({ cniVersion: '1.0.0', name: 'vendor-cni-chain', plugins: [{ type: 'tuning', sysctl: {} }, { type: 'sbr' }] }),
    { path: 'chain', name: 'vendor-cni-chain' },
  )
  const auxiliary = chain.ok ? chain.config : undefined

  it('runs last under the next number', () => {
    const change = { annotations: { [NETWORKS]: 'a@foo' }, networks: { 'shop/a': macvlan }, input: { auxiliary } }
    expect(places(change)).toEqual(['cluster eth0', 'shop/a foo', 'vendor-cni-chain net2'])
  })

  it('starts from an empty result, as behind passthru, and gets nothing of the runtime', () => {
    const plan = planned({ input: { auxiliary, runtimeConfig: { bandwidth: {} } } })
    expect(plan.ok && plan.attachments[1]?.plugins).toEqual([
      { cniVersion: '1.0.0', name: 'vendor-cni-chain', type: 'tuning', sysctl: {}, prevResult: { cniVersion: '1.0.0' } },
      { cniVersion: '1.0.0', name: 'vendor-cni-chain', type: 'sbr' },
    ])
  })
})
