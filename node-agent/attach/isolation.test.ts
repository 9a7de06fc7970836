// Namespace isolation on every way by which a pod's owner can name a network, in both states of the profile, as one table.
import { isolationViolation } from '#api/isolation'
import { type NetworkKey, parseNetworkKey } from '#api/ids'
import type { ProfileSpec } from '#api/kinds/node-network-profile'
import { config, planned, profile } from './testing/plan-input.ts'

const usable = config({ cniVersion: '1.0.0', name: 'n', type: 'macvlan' })
const NETWORKS = { 'shop/n': usable, 'globals/n': usable, 'other/n': usable, 'kube-system/n': usable }

/** How an element of another namespace is written on each path. The pod is in namespace `shop`. */
const PATHS: readonly (readonly [string, (namespace: string) => Readonly<Record<string, string>>])[] = [
  ['the short annotation', (namespace) => ({ 'k8s.v1.cni.cncf.io/networks': `${namespace}/n` })],
  ['the JSON annotation', (namespace) => ({ 'k8s.v1.cni.cncf.io/networks': JSON.stringify([{ name: 'n', namespace }]) })],
  [
    'an optional element',
    (namespace) => ({ 'k8s.v1.cni.cncf.io/networks': JSON.stringify([{ name: 'n', namespace, 'plexus.dev/required': false }]) }),
  ],
  ['default-network', (namespace) => ({ 'v1.multus-cni.io/default-network': `${namespace}/n` })],
  ['the TKE form, as the primary', (namespace) => ({ 'tke.cloud.tencent.com/networks': `${namespace}/n` })],
  ['the TKE form, as another', (namespace) => ({ 'tke.cloud.tencent.com/networks': `shop/n@eth0,${namespace}/n` })],
  ['Kuryr', (namespace) => ({ 'openstack.org/kuryr-additional-subnets': JSON.stringify([`subnet-${namespace}`]) })],
]

function subnet(id: string): readonly NetworkKey[] {
  const key = parseNetworkKey(`${id.slice('subnet-'.length)}/n`)
  return key === undefined ? [] : [key]
}

const RELATIONS: readonly (readonly [relation: string, namespace: string, allowed: boolean])[] = [
  ["the pod's own namespace", 'shop', true],
  ['a global namespace', 'globals', true],
  ['another namespace', 'other', false],
  ['the namespace of the administrator', 'kube-system', false],
]

const cells = PATHS.flatMap(([path, annotations]) =>
  RELATIONS.flatMap(([relation, namespace, allowed]) => [
    [path, relation, 'Enabled', { namespace, allowed, annotations }] as const,
    [path, relation, 'Disabled', { namespace, allowed: true, annotations }] as const,
  ]),
)

describe('a network named by', () => {
  it.each(cells)('%s in %s with namespaceIsolation %s', (_, __, namespaceIsolation, { namespace, allowed, annotations }) => {
    const plan = planned({
      annotations: annotations(namespace),
      networks: NETWORKS,
      profile: { namespaceIsolation, globalNamespaces: ['globals'] },
      request: { networksOfSubnet: subnet },
    })
    const sentence = new RegExp(
      `network ${namespace}/n is in another namespace than the pod \\(shop\\).*use a network of "shop", "globals"`,
    )
    expect(plan).toMatchObject(allowed ? { ok: true } : { ok: false, code: 'IsolationViolated', sentence: expect.stringMatching(sentence) })
  })

  it.each(RELATIONS)('an element added to a running pod in %s', (_, namespace, allowed) => {
    const rules: ProfileSpec = profile({ namespaceIsolation: 'Enabled', globalNamespaces: ['globals'] })
    expect(isolationViolation({ namespace, name: 'n', path: 'networks[0]' }, 'shop', rules) === undefined).toBe(allowed)
  })

  it('the globals of the profile replace the implicit "default"', () => {
    const change = { annotations: { 'k8s.v1.cni.cncf.io/networks': 'default/n' }, networks: { 'default/n': usable } }
    const isolated = { namespaceIsolation: 'Enabled' } as const
    expect(planned({ ...change, profile: isolated })).toMatchObject({ ok: true })
    expect(planned({ ...change, profile: { ...isolated, globalNamespaces: ['globals'] } })).toMatchObject({ code: 'IsolationViolated' })
  })

  it.each<[string, Partial<ProfileSpec>]>([
    ['defaultNetworks', { defaultNetworks: ['other/n'] }],
    ['namespaceDefaults', { namespaceDefaults: [{ selector: { matchLabels: {}, matchExpressions: [] }, networks: ['other/n'] }] }],
    ['defaultDelegates', { defaultDelegates: 'other/n' }],
  ])('%s of the profile is the choice of the administrator and always allowed', (_, change) => {
    const plan = planned({ networks: NETWORKS, profile: { ...change, namespaceIsolation: 'Enabled' }, request: { namespaceLabels: {} } })
    expect(plan).toMatchObject({ ok: true })
  })
})
