import type { JsonObject } from '#api/json'
import type { RecordedAttachment } from '#api/socket'
import { kernelDifference } from './check-kernel.ts'
import type { NetnsState } from './netns-state.ts'

const kernel: NetnsState = {
  links: [
    { name: 'lo', mac: '00:00:00:00:00:00', addresses: ['127.0.0.1'] },
    { name: 'net1', mac: '02:00:00:00:00:01', addresses: ['10.1.0.2', 'fd00::2'] },
  ],
  routes: new Set(['10.1.0.0/24', '0.0.0.0/0']),
}

function attachment(result: JsonObject | undefined, change: Partial<RecordedAttachment> = {}): RecordedAttachment {
  const plugins = [{ type: 'macvlan', name: 'a', cniVersion: '1.0.0' }]
  const rest = result === undefined ? {} : { result: { cniVersion: '1.0.0', ...result } }
  return { network: 'shop/a', ifName: 'net1', primary: false, required: true, cniArgs: '', plugins, timeoutMs: 1, ...rest, ...change }
}

const pod = { name: 'net1', sandbox: '/run/netns/x' }
const at = 'network "shop/a" on net1: '

describe('the kernel against the record', () => {
  it.each<[string, RecordedAttachment, string | undefined]>([
    [
      'interface, MAC, both addresses and route are there',
      attachment({
        interfaces: [{ ...pod, mac: '02:00:00:00:00:01' }],
        ips: [
          { address: '10.1.0.2/24', interface: 0 },
          { address: 'fd00:0::2/64', interface: 0 },
        ],
        routes: [{ dst: '0.0.0.0/0', gw: '10.1.0.1' }, { dst: '10.1.0.7/24' }],
      }),
      undefined,
    ],
    ['the interface is missing', attachment({ interfaces: [{ ...pod, name: 'net2' }] }), `${at}the interface net2 is missing in the pod`],
    [
      'the MAC is another',
      attachment({ interfaces: [{ ...pod, mac: '02:00:00:00:00:0F' }] }),
      `${at}the interface net1 has the MAC address 02:00:00:00:00:01 and not 02:00:00:00:00:0F`,
    ],
    ['upper case is the same MAC', attachment({ interfaces: [{ ...pod, mac: '02:00:00:00:00:01'.toUpperCase() }] }), undefined],
    [
      'an address is lost',
      attachment({ interfaces: [pod], ips: [{ address: '10.1.0.3/24', interface: 0 }] }),
      `${at}the interface net1 has lost the address 10.1.0.3/24`,
    ],
    [
      'an address without index is on the requested interface',
      attachment({ ips: [{ address: '10.9.0.3/24' }] }),
      `${at}the interface net1 has lost the address 10.9.0.3/24`,
    ],
    [
      'a route is missing',
      attachment({ interfaces: [pod], routes: [{ dst: '192.168.0.0/16' }] }),
      `${at}the route to 192.168.0.0/16 is missing in the pod`,
    ],
    [
      "the host end and its address are not the pod's",
      attachment({ interfaces: [{ name: 'veth1' }, pod], ips: [{ address: '10.2.0.1/24', interface: 0 }] }),
      undefined,
    ],
    ['Calico names its host end alone', attachment({ interfaces: [{ name: 'cali1' }], ips: [{ address: '10.1.0.2/32' }] }), undefined],
    [
      "Calico's pod has lost its interface",
      attachment({ interfaces: [{ name: 'cali1' }], ips: [{ address: '10.1.0.2/32' }] }, { ifName: 'eth0' }),
      'network "shop/a" on eth0: the interface eth0 is missing in the pod',
    ],
    [
      'a result of 0.2.0 names no interface',
      attachment({ cniVersion: '0.2.0', ip4: { ip: '10.1.0.9/24' } }),
      `${at}the interface net1 has lost the address 10.1.0.9/24`,
    ],
    ['an empty result promises nothing', attachment({}, { ifName: 'net9' }), undefined],
    ['no result was recorded', attachment(undefined, { ifName: 'net9' }), undefined],
    ['disableCheck', attachment({ interfaces: [{ ...pod, name: 'net2' }] }, { disableCheck: true }), undefined],
    [
      'a device may have a user space driver',
      attachment(
        { interfaces: [{ ...pod, name: 'net2' }] },
        { plugins: [{ type: 'sriov', name: 'a', cniVersion: '1.0.0', deviceID: '0000:01:00.1' }] },
      ),
      undefined,
    ],
  ])('%s', (_, recorded, expected) => expect(kernelDifference([recorded], kernel)).toBe(expected))

  it('is told for the first of several attachments that differs', () => {
    const lost = attachment({ interfaces: [{ ...pod, name: 'net2' }] }, { network: 'shop/b', ifName: 'net2' })
    expect(kernelDifference([attachment({ interfaces: [pod] }), lost], kernel)).toBe(
      'network "shop/b" on net2: the interface net2 is missing in the pod',
    )
  })
})
