// Manifests from the texts that users follow today: their networks and pods, unchanged, planned as those texts promise.
import { config, planned } from './testing/plan-input.ts'

const NETWORKS = 'k8s.v1.cni.cncf.io/networks'

/** A NetworkAttachmentDefinition as its text stands in the manifest. */
const nad = (text: string): ReturnType<typeof config> => config(JSON.parse(text))

describe('texts that users follow', () => {
  it('macvlan with host-local, without a name and at version 0.3.0', () => {
    const macvlan = nad(`{
          "cniVersion": "0.3.0",
          "type": "macvlan",
          "master": "ens192",
          "mode": "bridge",
          "ipam": {
            "type": "host-local",
            "subnet": "192.168.1.0/24",
            "rangeStart": "192.168.1.200",
            "rangeEnd": "192.168.1.216",
            "routes": [
              { "dst": "0.0.0.0/0" }
            ],
            "gateway": "192.168.1.1"
          }
        }`)
    const plan = planned({ annotations: { [NETWORKS]: 'macvlan-conf' }, networks: { 'shop/macvlan-conf': macvlan } })
    expect(plan.ok && plan.attachments[1]).toMatchObject({
      network: 'shop/macvlan-conf',
      ifName: 'net1',
      plugins: [{ cniVersion: '0.3.0', type: 'macvlan', ipam: { type: 'host-local', rangeStart: '192.168.1.200' } }],
    })
  })

  it('a list without a name, of another namespace by its short form', () => {
    const list = nad(
      '{ "cniVersion": "0.3.1", "plugins": [ { "type": "ipvlan", "master": "eth1", "mode": "l2", "ipam": { "type": "whereabouts", "range": "172.16.1.0/24" } } ] }',
    )
    const plan = planned({ annotations: { [NETWORKS]: 'default/my-nad' }, networks: { 'default/my-nad': list } })
    expect(plan.ok && plan.attachments.map(({ network, ifName }) => `${network} ${ifName}`)).toEqual([
      'cluster eth0',
      'default/my-nad net1',
    ])
  })

  it('an address and a MAC that survive re-creation', () => {
    const fixed = nad(
      '{"cniVersion":"0.3.1","name":"m","plugins":[{"type":"macvlan","capabilities":{"ips":true},"master":"eth0","mode":"bridge","ipam":{"type":"static"}},{"type":"tuning","capabilities":{"mac":true}}]}',
    )
    const annotations = { [NETWORKS]: '[{"name":"m","ips":["10.1.1.7/24"],"mac":"c2:b0:57:49:47:f1"}]' }
    const twice = [planned({ annotations, networks: { 'shop/m': fixed } }), planned({ annotations, networks: { 'shop/m': fixed } })]
    for (const plan of twice) {
      expect(plan.ok && plan.attachments[1]?.plugins.map(({ type, runtimeConfig }) => [type, runtimeConfig])).toEqual([
        ['macvlan', { ips: ['10.1.1.7/24'] }],
        ['tuning', { mac: 'c2:b0:57:49:47:f1' }],
      ])
      expect(plan.ok && plan.attachments[1]?.cniArgs.endsWith(';MAC=c2:b0:57:49:47:f1;IP=10.1.1.7/24')).toBe(true)
    }
  })
})
