// Holds who gets which device of a pod, what plugins are told of it, and the sentences of those that get none.
import { config, type PlanChange, planned } from '../attach/testing/plan-input.ts'
import { withoutTaken } from './assign-devices.ts'

const NETWORKS = 'k8s.v1.cni.cncf.io/networks'
const DEFAULT = 'v1.multus-cni.io/default-network'
const DEVICE_INFO_DIR = '/var/run/k8s.cni.cncf.io/devinfo'
const VF = 'intel.com/sriov'
const OTHER = 'mellanox.com/rdma'
const all = { deviceID: true, CNIDeviceInfoFile: true }
const networks = {
  'shop/a': config({ name: 'a', type: 'sriov', capabilities: all }, { resourceName: VF }),
  'shop/b': config({ name: 'b', plugins: [{ type: 'sriov' }, { type: 'tuning' }] }, { resourceName: VF }),
  'shop/r': config({ name: 'r', type: 'host-device' }, { resourceName: OTHER }),
  'shop/plain': config({ name: 'plain', type: 'macvlan' }),
  'shop/takes': config({ name: 'takes', type: 'host-device', capabilities: { deviceID: true } }),
  'shop/memif': config({ name: 'memif', type: 'userspace', capabilities: { CNIDeviceInfoFile: true } }),
  'kube-system/p': config({ name: 'p', type: 'ovn', capabilities: all }, { resourceName: VF }),
}
const held = (...ids: readonly string[]) => new Map([[VF, ids]])
const plan = (networks_: string, input: NonNullable<PlanChange['input']>, more: Readonly<Record<string, string>> = {}) =>
  planned({ annotations: { [NETWORKS]: networks_, ...more }, networks, input: { deviceInfoDir: DEVICE_INFO_DIR, ...input } })
const stdins = (found: ReturnType<typeof planned>) =>
  found.ok
    ? found.attachments
        .slice(1)
        .flatMap(({ plugins }) => plugins.map(({ deviceID, pciBusID, runtimeConfig }) => [deviceID, pciBusID, runtimeConfig]))
    : found

describe('the devices of a pod', () => {
  it('go to its networks in the order of attachment, one each, per resource', () => {
    const found = plan('b,plain,r,a', { devices: new Map([...held('d1', 'd2'), [OTHER, ['r1']]]) })
    expect(stdins(found)).toEqual([
      ['d1', 'd1', undefined],
      ['d1', 'd1', undefined],
      [undefined, undefined, undefined],
      ['r1', 'r1', undefined],
      ['d2', 'd2', { deviceID: 'd2', CNIDeviceInfoFile: '/var/run/k8s.cni.cncf.io/devinfo/cni/shop-a-c1_net4' }],
    ])
    expect(found.ok && found.attachments.map(({ device }) => device)).toEqual([
      undefined,
      { id: 'd1', resource: VF, infoFile: `${DEVICE_INFO_DIR}/cni/shop-b-c1_net1` },
      undefined,
      { id: 'r1', resource: OTHER, infoFile: `${DEVICE_INFO_DIR}/cni/shop-r-c1_net3` },
      { id: 'd2', resource: VF, infoFile: `${DEVICE_INFO_DIR}/cni/shop-a-c1_net4` },
    ])
  })

  it('go to the network that replaces the primary first, which keeps the arguments of the runtime', () => {
    const found = plan('a', { devices: held('d1', 'd2'), runtimeConfig: { portMappings: [] } }, { [DEFAULT]: 'p' })
    expect(found.ok && found.attachments.map(({ plugins }) => plugins[0])).toMatchObject([
      {
        type: 'ovn',
        deviceID: 'd1',
        runtimeConfig: { deviceID: 'd1', CNIDeviceInfoFile: expect.stringContaining('kube-system-p-c1_eth0') },
      },
      { type: 'sriov', deviceID: 'd2' },
    ])
  })

  it('go before the deviceID of the annotation, which serves when the pod holds none', () => {
    const named = '[{"name":"a","deviceID":"mine"}]'
    expect(stdins(plan(named, { devices: held('d1') }))).toMatchObject([['d1', 'd1', { deviceID: 'd1' }]])
    expect(stdins(plan(named, { devices: new Map() }))).toEqual([
      [undefined, undefined, { deviceID: 'mine', CNIDeviceInfoFile: expect.any(String) }],
    ])
  })

  it('are a capability argument alone when only the annotation names them', () => {
    expect(stdins(plan('[{"name":"takes","deviceID":"mine"}]', {}))).toEqual([[undefined, undefined, { deviceID: 'mine' }]])
  })

  it('are told as a warning when they reach no plugin', () => {
    expect(plan('[{"name":"plain","deviceID":"mine"}]', {})).toMatchObject({
      ok: true,
      warnings: [expect.stringMatching(/\[0\]\.deviceID: no plugin of network shop\/plain declares the capability "deviceID"/)],
    })
  })

  it('are not needed for a plugin to write a device-info file', () => {
    expect(stdins(plan('memif', {}))).toEqual([[undefined, undefined, { CNIDeviceInfoFile: `${DEVICE_INFO_DIR}/cni/shop-memif-c1_net1` }]])
  })
})

describe('a network whose resource the pod lacks', () => {
  it.each([
    [
      'none',
      'a',
      new Map(),
      `k8s.v1.cni.cncf.io/networks[0]: network shop/a needs a device of "${VF}", of which pod shop/web has no device; let a container request "${VF}": 1 or more, or set "deviceID"`,
    ],
    [
      'one of two',
      'a,b',
      held('d1'),
      `k8s.v1.cni.cncf.io/networks[1]: network shop/b needs a device of "${VF}", of which pod shop/web has only 1 device; let a container request "${VF}": 2 or more, or set "deviceID"`,
    ],
  ])('is refused with %s, never with an empty id', (_, annotation, devices, sentence) => {
    expect(plan(annotation, { devices })).toEqual({ ok: false, code: 'DeviceMissing', sentence })
  })

  it('is left out when it is not required, and keeps its name', () => {
    const found = plan('[{"name":"a","plexus.dev/required":false},{"name":"plain"}]', { devices: new Map() })
    expect(found).toMatchObject({ ok: true, warnings: [expect.stringMatching(/has no device.*required is false/)] })
    expect(found.ok && found.attachments.map(({ ifName }) => ifName)).toEqual(['eth0', 'net2'])
  })

  it('is refused as unsupported by an agent that does not look for devices', () => {
    expect(plan('a', {})).toMatchObject({ ok: false, code: 'UnsupportedField', sentence: expect.stringContaining('agent.devices.enabled') })
  })
})

describe('withoutTaken', () => {
  it('leaves what no attachment holds, per resource', () => {
    const free = withoutTaken(new Map([...held('d1', 'd2'), [OTHER, ['d1']]]), [{ id: 'd1', resource: VF }, undefined, { id: 'd2' }])
    expect(free).toEqual(new Map([...held('d2'), [OTHER, ['d1']]]))
  })
})
