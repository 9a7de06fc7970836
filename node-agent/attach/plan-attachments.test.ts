import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '#api/json'
import { config, planned, type PlanChange } from './testing/plan-input.ts'

const NETWORKS = 'k8s.v1.cni.cncf.io/networks'
const DEFAULT = 'v1.multus-cni.io/default-network'
const macvlan = config({ cniVersion: '1.0.0', name: 'a', type: 'macvlan', capabilities: { ips: true } })

/** `network ifName` of every attachment. */
function places(change: PlanChange): readonly string[] {
  const plan = planned(change)
  if (!plan.ok) throw new Error(plan.sentence)
  return plan.attachments.map(({ network, ifName }) => `${network} ${ifName}`)
}

describe('what is attached', () => {
  it.each<[string, PlanChange, readonly string[]]>([
    ['the primary alone for a pod that asks for nothing', {}, ['cluster eth0']],
    [
      'the primary, default networks, then the annotation',
      {
        annotations: { [NETWORKS]: 'a' },
        profile: { defaultNetworks: ['d', 'infra/e'] },
        networks: { 'shop/a': macvlan, 'kube-system/d': macvlan, 'infra/e': macvlan },
      },
      ['cluster eth0', 'kube-system/d net1', 'infra/e net2', 'shop/a net3'],
    ],
    [
      'explicit names without shifting the numbers',
      { annotations: { [NETWORKS]: 'a@foo,a' }, networks: { 'shop/a': macvlan } },
      ['cluster eth0', 'shop/a foo', 'shop/a net2'],
    ],
    [
      'no default networks for a pod that says none',
      { annotations: { [NETWORKS]: 'none' }, profile: { defaultNetworks: ['d'] }, networks: { 'kube-system/d': macvlan } },
      ['cluster eth0'],
    ],
    ['no default networks in system namespaces', { profile: { defaultNetworks: ['d'], systemNamespaces: ['shop'] } }, ['cluster eth0']],
    [
      'the default-network annotation in place of the primary',
      { annotations: { [DEFAULT]: 'p' }, networks: { 'kube-system/p': macvlan } },
      ['kube-system/p eth0'],
    ],
    [
      'what is left when an optional network is missing, with the names of the others unchanged',
      {
        annotations: { [NETWORKS]: '[{"name":"gone","plexus.dev/required":false},{"name":"a"}]' },
        networks: { 'shop/gone': { state: 'missing' }, 'shop/a': macvlan },
      },
      ['cluster eth0', 'shop/a net2'],
    ],
  ])('is %s', (_, change, expected) => {
    expect(places(change)).toEqual(expected)
  })

  it.each([
    ['["10.0.0.1","fd00::1"]', '', { gateways: ['10.0.0.1', 'fd00::1'] }],
    ['[]', '', { gateways: [] }],
    ['["10.0.0.1"]', ',"plexus.dev/default-route-metric":700', { gateways: ['10.0.0.1'], metric: 700 }],
  ])('takes default-route %s%s along', (gateways, more, defaultRoute) => {
    const annotations = { [NETWORKS]: `[{"name":"a","default-route":${gateways}${more}}]` }
    const plan = planned({ annotations, networks: { 'shop/a': macvlan } })
    expect(plan.ok && plan.attachments.map((attachment) => attachment.defaultRoute)).toEqual([undefined, defaultRoute])
  })

  it("gives the runtime's capability arguments to the primary alone", () => {
    const runtimeConfig = { portMappings: [{ hostPort: 80, containerPort: 80 }], 'io.kubernetes.cri.pod-annotations': { x: 'y' } }
    const portmap = config({ cniVersion: '1.0.0', name: 'a', type: 'portmap', capabilities: { portMappings: true } })
    const plan = planned({ annotations: { [NETWORKS]: 'a' }, networks: { 'shop/a': portmap }, input: { runtimeConfig } })
    expect(plan.ok && plan.attachments.map(({ plugins }) => plugins[0]?.['runtimeConfig'])).toEqual([
      { portMappings: [{ hostPort: 80, containerPort: 80 }] },
      undefined,
    ])
  })
})

describe('a network in place of the primary', () => {
  const capable = config({ cniVersion: '1.0.0', name: 'p', type: 'macvlan', capabilities: { ips: true, mac: true, bandwidth: true } })
  const override = (element: object, found = capable) =>
    planned({
      annotations: { [DEFAULT]: JSON.stringify([{ name: 'p', ...element }]) },
      networks: { 'kube-system/p': found },
      input: { runtimeConfig: { mac: '02:00:00:00:00:01' }, runtimeArgs: [['CUSTOM', 'kept=1']] },
    })

  it('has the interface it asks for', () => {
    expect(override({ interface: 'pod0' })).toMatchObject({ attachments: [{ network: 'kube-system/p', ifName: 'pod0', primary: true }] })
  })

  it("gets ips and mac in CNI_ARGS alone, and the runtime's own values", () => {
    const plan = override({ ips: ['10.0.0.7/24'], mac: '02:00:00:00:00:07' })
    expect(plan.ok && plan.attachments.map(({ cniArgs, plugins }) => [cniArgs, plugins[0]?.['runtimeConfig']])).toEqual([
      [
        'IgnoreUnknown=true;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=c1;K8S_POD_UID=uid-1;CUSTOM=kept=1;MAC=02:00:00:00:00:07;IP=10.0.0.7/24',
        { mac: '02:00:00:00:00:01' },
      ],
    ])
  })

  it('needs no capability for what CNI_ARGS carry', () => {
    expect(override({ ips: ['10.0.0.7/24'], mac: '02:00:00:00:00:07' }, config({ type: 'bridge', name: 'p' }))).toMatchObject({ ok: true })
  })

  it('gets what has no place in CNI_ARGS, or is refused', () => {
    const bandwidth = { ingressRate: 1, ingressBurst: 2, egressRate: 3, egressBurst: 4 }
    const plan = override({ bandwidth })
    expect(plan.ok && plan.attachments[0]?.plugins[0]?.['runtimeConfig']).toEqual({ mac: '02:00:00:00:00:01', bandwidth })
    expect(override({ bandwidth }, config({ type: 'bridge', name: 'p' }))).toMatchObject({ code: 'CapabilityMissing' })
  })

  it('is required, whatever it says', () => {
    expect(override({ 'plexus.dev/required': false })).toMatchObject({ attachments: [{ required: true }] })
  })
})

it('gives the primary capability arguments that nobody knows', () => {
  const primary = { name: 'cluster', cniVersion: '1.0.0', plugins: [{ type: 'bridge', capabilities: { cgroupPath: true, aliases: true } }] }
  const plan = planned({ input: { primary, runtimeConfig: { cgroupPath: '/x', aliases: { n: ['a'] }, dns: {} } } })
  expect(plan.ok && plan.attachments[0]?.plugins[0]?.['runtimeConfig']).toEqual({ cgroupPath: '/x', aliases: { n: ['a'] } })
})

describe('what is refused', () => {
  it.each<[string, PlanChange, string, RegExp]>([
    [
      'a missing network, naming it and its namespace',
      { annotations: { [NETWORKS]: 'x' }, networks: { 'shop/x': { state: 'missing' } } },
      'NetworkNotFound',
      /no NetworkAttachmentDefinition "x" in namespace "shop"; create it/,
    ],
    [
      "a rejected network with the operator's sentence",
      {
        annotations: { [NETWORKS]: 'x' },
        networks: { 'shop/x': { state: 'rejected', message: 'spec.config: not valid JSON; write one object' } },
      },
      'NetworkRejected',
      /network shop\/x cannot be used: spec.config: not valid JSON/,
    ],
    [
      'a network nobody could look up, to be tried again',
      { annotations: { [NETWORKS]: 'x' }, networks: { 'shop/x': { state: 'unknown', message: 'the API server did not answer' } } },
      'TryAgainLater',
      /shop\/x is not known on this node yet/,
    ],
    [
      'an address that no plugin can honour',
      { annotations: { [NETWORKS]: '[{"name":"a","mac":"02:00:00:00:00:07"}]' }, networks: { 'shop/a': macvlan } },
      'CapabilityMissing',
      /networks\[0\]\.mac.*capability "mac"/,
    ],
    [
      'two interfaces of one name',
      { annotations: { [NETWORKS]: 'a@x,a@x' }, networks: { 'shop/a': macvlan } },
      'InvalidAnnotation',
      /"x" is already taken/,
    ],
    ['an annotation that is not the grammar', { annotations: { [NETWORKS]: 'a/b/c' } }, 'InvalidAnnotation', /more than one/],
    [
      'a foreign namespace under isolation',
      { annotations: { [NETWORKS]: 'other/a' }, profile: { namespaceIsolation: 'Enabled' } },
      'IsolationViolated',
      /other\/a.*use a network of "shop", "default"/,
    ],
    [
      'a foreign default-network under isolation',
      { annotations: { [DEFAULT]: 'p' }, profile: { namespaceIsolation: 'Enabled' } },
      'IsolationViolated',
      /default-network\[0\]: network kube-system\/p/,
    ],
    [
      'a pod on a node without primary, to be tried again',
      { input: { primary: undefined } },
      'TryAgainLater',
      /primary network of this node is not known/,
    ],
    [
      'ourselves as the primary',
      { input: { primary: { name: 'p', cniVersion: '1.0.0', plugins: [{ type: 'plexus' }] } } },
      'InvalidConfig',
      /"plexus" attaches other networks/,
    ],
    [
      'Multus as the primary',
      { input: { primary: { name: 'p', cniVersion: '1.0.0', plugins: [{ type: 'multus-shim' }] } } },
      'InvalidConfig',
      /"multus-shim" attaches other networks/,
    ],
    [
      'a second gateway of a family, over all networks of the pod',
      {
        annotations: { [NETWORKS]: '[{"name":"a","default-route":["10.0.0.1"]},{"name":"a","default-route":["fd00::1","10.0.0.2"]}]' },
        networks: { 'shop/a': macvlan },
      },
      'InvalidAnnotation',
      /networks\[1\]\.default-route\[1\]: "10\.0\.0\.2" is a second IPv4 gateway beside "10\.0\.0\.1" of .*networks\[0\]\.default-route; keep one/,
    ],
    [
      'a gateway that is none',
      { annotations: { [NETWORKS]: '[{"name":"a","default-route":["0.0.0.0"]}]' }, networks: { 'shop/a': macvlan } },
      'InvalidAnnotation',
      /default-route\[0\]: "0\.0\.0\.0" is not a gateway/,
    ],
    [
      'a network with devices, without a device',
      { annotations: { [NETWORKS]: 'a' }, networks: { 'shop/a': config({ type: 'sriov', name: 'a' }, { resourceName: 'intel.com/vf' }) } },
      'UnsupportedField',
      /intel.com\/vf/,
    ],
  ])('is %s', (_, change, code, sentence) => {
    expect(planned(change)).toMatchObject({ ok: false, code, sentence: expect.stringMatching(sentence) })
  })

  it.each([
    ['ips', { ips: ['10.0.0.7/24'] }],
    ['mac', { mac: '02:00:00:00:00:07' }],
    ['bandwidth', { bandwidth: { ingressRate: 1 } }],
    ['portMappings', { portMappings: [{ hostPort: 80, containerPort: 80 }] }],
    ['infiniband-guid', { 'infiniband-guid': 'c2:11:22:33:44:55:66:77' }],
  ])('is %s without the capability, by the name of the key; for a lenient network it warns', (key, request) => {
    const annotations = { [NETWORKS]: JSON.stringify([{ name: 'a', ...request }]) }
    const bare = { cniVersion: '1.0.0', name: 'a', type: 'macvlan' }
    expect(planned({ annotations, networks: { 'shop/a': config(bare) } })).toMatchObject({
      code: 'CapabilityMissing',
      sentence: expect.stringContaining(`networks[0].${key}: is asked for, but no plugin of network shop/a declares the capability`),
    })
    expect(planned({ annotations, networks: { 'shop/a': config(bare, { lenient: true }) } })).toMatchObject({
      ok: true,
      warnings: [expect.stringContaining('the request is ignored')],
    })
  })

  it('is nothing for capabilities when the profile is not strict', () => {
    const annotations = { [NETWORKS]: '[{"name":"a","mac":"02:00:00:00:00:07"}]' }
    expect(planned({ annotations, networks: { 'shop/a': macvlan }, profile: { strictCapabilities: 'Disabled' } })).toMatchObject({
      ok: true,
    })
  })

  it('is not a default network of the administrator under isolation', () => {
    const networks = { 'kube-system/d': macvlan }
    expect(planned({ profile: { namespaceIsolation: 'Enabled', defaultNetworks: ['d'] }, networks })).toMatchObject({ ok: true })
  })
})

/** What the shim adds while it executes. */
const withoutPrevResult = (stdin: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(Object.entries(stdin).filter(([key]) => key !== 'prevResult'))

/** The one wanted difference: Multus hands the runtime's own port mappings to secondaries too (spec/attachments 1.9). */
function ownRequests({ case: name }: RecordedCase, stdin: Record<string, unknown>): object {
  const { runtimeConfig, ...rest } = withoutPrevResult(stdin) as Record<string, unknown>
  return name === 'rc-secondary-with-caps' || runtimeConfig === undefined ? rest : { ...rest, runtimeConfig }
}

interface RecordedCase {
  readonly case: string
  readonly nads: readonly { readonly ns: string; readonly name: string; readonly config: string }[]
  readonly annotations: Readonly<Record<string, string>>
  readonly runtimeConfig?: JsonObject
  readonly ADD: {
    readonly delegateCalls: readonly { verb: string; type: string; ifname: string; args: string; stdin: Record<string, unknown> }[]
  }
}

const recorded: { readonly cases: readonly RecordedCase[] } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../api/testdata/recorded.json'), 'utf8'),
)

describe('what Multus gave its delegates in the recorded case', () => {
  it('there are twelve', () => expect(recorded.cases).toHaveLength(12))

  it.each(recorded.cases.map((one) => [one.case, one] as const))('%s is what ours get', (_, one) => {
    const podnet = { type: 'rec-p', capabilities: { portMappings: true, bandwidth: true, mac: true, ips: true } }
    const plan = planned({
      annotations: one.annotations,
      networks: Object.fromEntries(one.nads.map((nad) => [`shop/${nad.name}`, config(JSON.parse(nad.config))])),
      input: {
        containerId: '$CID',
        primary: { name: 'podnet', cniVersion: '1.0.0', plugins: [podnet] },
        pod: { namespace: 'default', name: '$POD', uid: '$UID' },
        runtimeConfig: one.runtimeConfig ?? {},
      },
    })
    const ours =
      plan.ok &&
      plan.attachments.flatMap(({ ifName, cniArgs, plugins }) => plugins.map((stdin) => ({ ifname: ifName, args: cniArgs, stdin })))
    const theirs = one.ADD.delegateCalls
      .filter(({ verb }) => verb === 'ADD')
      .map(({ ifname, args, stdin }) => ({ ifname, args, stdin: ifname === 'eth0' ? withoutPrevResult(stdin) : ownRequests(one, stdin) }))
    expect(ours).toEqual(theirs)
  })
})
