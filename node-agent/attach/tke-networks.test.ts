// The TKE form: one list that names the primary too, confs of the node, default delegates. The second manifest is one that users follow today.
import { config, planned, type PlanChange } from './testing/plan-input.ts'

const TKE = 'tke.cloud.tencent.com/networks'
const bridge = config({ cniVersion: '0.3.1', name: 'tke-bridge', type: 'bridge', capabilities: { portMappings: true } })
const onNode = (name: string): ReturnType<typeof config> => config({ cniVersion: '0.3.1', name, type: 'sriov' }, { network: name })
const PUBLISHED = {
  'shop/flannel-conf': onNode('flannel-conf'),
  'shop/sriov-conf': onNode('sriov-conf'),
  'shop/sriov-vlanid-l2enable-conf': onNode('sriov-vlanid-l2enable-conf'),
}

function places(change: PlanChange): unknown {
  const plan = planned(change)
  return plan.ok ? plan.attachments.map(({ network, ifName, primary }) => `${network} ${ifName}${primary ? ' primary' : ''}`) : plan
}

describe('a pod of the TKE fork', () => {
  it.each<[string, PlanChange, readonly string[]]>([
    [
      'gets the one network it names as its primary',
      { annotations: { [TKE]: 'tke-bridge' }, networks: { 'shop/tke-bridge': bridge } },
      ['shop/tke-bridge eth0 primary'],
    ],
    [
      'gets the first as eth0, automatic names from eth1 and what it asks for',
      {
        annotations: {
          [TKE]:
            '[\n{ "name": "flannel-conf" },\n{ "name": "sriov-conf" },\n{ "name": "sriov-vlanid-l2enable-conf",\n"interfaceRequest": "north" }\n]',
        },
        networks: PUBLISHED,
      },
      ['flannel-conf eth0 primary', 'sriov-conf eth1', 'sriov-vlanid-l2enable-conf north'],
    ],
    [
      'lets any network ask for eth0 and attaches it first',
      { annotations: { [TKE]: 'sriov-conf,flannel-conf@eth0' }, networks: PUBLISHED },
      ['flannel-conf eth0 primary', 'sriov-conf eth1'],
    ],
    [
      'gets the default delegates when it names none',
      { profile: { defaultDelegates: 'tke-bridge,d@north' }, networks: { 'kube-system/tke-bridge': bridge, 'kube-system/d': bridge } },
      ['kube-system/tke-bridge eth0 primary', 'kube-system/d north'],
    ],
    [
      'gets no default delegates when it names networks',
      { annotations: { [TKE]: 'flannel-conf' }, networks: PUBLISHED, profile: { defaultDelegates: 'tke-bridge' } },
      ['flannel-conf eth0 primary'],
    ],
    [
      'keeps the other annotation beside it, numbered by position',
      {
        annotations: { [TKE]: 'flannel-conf,sriov-conf', 'k8s.v1.cni.cncf.io/networks': 'a' },
        networks: { ...PUBLISHED, 'shop/a': bridge },
      },
      ['flannel-conf eth0 primary', 'sriov-conf eth1', 'shop/a net2'],
    ],
    [
      'may have its primary replaced instead of the default delegates',
      {
        annotations: { 'v1.multus-cni.io/default-network': 'p' },
        profile: { defaultDelegates: 'tke-bridge' },
        networks: { 'kube-system/p': bridge },
      },
      ['kube-system/p eth0 primary'],
    ],
  ])('%s', (_, change, expected) => expect(places(change)).toEqual(expected))

  it('gives the values of the runtime to its primary', () => {
    const runtimeConfig = { portMappings: [{ hostPort: 80, containerPort: 80 }] }
    const plan = planned({ annotations: { [TKE]: 'tke-bridge' }, networks: { 'shop/tke-bridge': bridge }, input: { runtimeConfig } })
    expect(plan.ok && plan.attachments[0]?.plugins[0]?.['runtimeConfig']).toEqual(runtimeConfig)
  })

  it.each<[string, Readonly<Record<string, string>>, RegExp]>([
    ['two primaries', { [TKE]: 'a', 'v1.multus-cni.io/default-network': 'b' }, /so does v1.multus-cni.io\/default-network; remove one/],
    ['no network for eth0', { [TKE]: 'a@north' }, /no network takes "eth0"/],
    ['two networks for eth0', { [TKE]: 'a@eth0,b@eth0' }, /"eth0" is already taken/],
    ['what is not the grammar', { [TKE]: 'a@b@c' }, /tke.cloud.tencent.com\/networks\[0\]: .*more than one/],
  ])('is refused with %s', (_, annotations, sentence) => {
    expect(planned({ annotations })).toMatchObject({ code: 'InvalidAnnotation', sentence: expect.stringMatching(sentence) })
  })

  it('is told both places where a network could have been', () => {
    expect(planned({ annotations: { [TKE]: 'gone' }, networks: { 'shop/gone': { state: 'missing' } } })).toMatchObject({
      code: 'NetworkNotFound',
      sentence: expect.stringMatching(/neither a NetworkAttachmentDefinition "gone" in namespace "shop" nor a conf of that name/),
    })
  })
})
