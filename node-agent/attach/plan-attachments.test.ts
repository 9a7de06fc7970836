import { readFileSync } from 'node:fs'
import { join } from 'node:path'
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
      'a default route, which is not moved yet',
      { annotations: { [NETWORKS]: '[{"name":"a","default-route":["10.0.0.1"]}]' }, networks: { 'shop/a': macvlan } },
      'UnsupportedField',
      /default-route/,
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

interface RecordedCase {
  readonly case: string
  readonly nads: readonly { readonly ns: string; readonly name: string; readonly config: string }[]
  readonly annotations: Readonly<Record<string, string>>
  readonly ADD: {
    readonly delegateCalls: readonly { verb: string; type: string; ifname: string; args: string; stdin: Record<string, unknown> }[]
  }
}

const recorded: { readonly cases: readonly RecordedCase[] } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../api/testdata/recorded.json'), 'utf8'),
)

describe('what Multus gave its delegates in the recorded case', () => {
  // Multus hands the runtime's own port mappings to secondaries too; we do not, by decision (spec/attachments 1.9).
  it.each(recorded.cases.filter(({ case: name }) => name !== 'rc-secondary-with-caps').map((one) => [one.case, one] as const))(
    '%s is what ours get',
    (_, one) => {
      const podnet = { type: 'rec-p', capabilities: { portMappings: true, bandwidth: true, mac: true, ips: true } }
      const plan = planned({
        annotations: one.annotations,
        networks: Object.fromEntries(one.nads.map((nad) => [`shop/${nad.name}`, config(JSON.parse(nad.config))])),
        input: {
          containerId: '$CID',
          primary: { name: 'podnet', cniVersion: '1.0.0', plugins: [podnet] },
          pod: { namespace: 'default', name: '$POD', uid: '$UID' },
        },
      })
      const ours =
        plan.ok &&
        plan.attachments.flatMap(({ ifName, cniArgs, plugins }) => plugins.map((stdin) => ({ ifname: ifName, args: cniArgs, stdin })))
      const theirs = one.ADD.delegateCalls
        .filter(({ verb }) => verb === 'ADD')
        .map(({ ifname, args, stdin }) => ({ ifname, args, stdin: withoutPrevResult(stdin) }))
      expect(ours).toEqual(theirs)
    },
  )
})
