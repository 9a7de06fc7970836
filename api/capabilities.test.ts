// Holds capability arguments to their owner: the runtime's reach only the primary, and no request is dropped in silence.
import { parseNetworks } from '#api/annotations/networks'
import type { NetworkSelection } from '#api/annotations/selection'
import { primaryRuntimeConfig, secondaryRuntimeConfig, unhonouredRequest } from '#api/capabilities'
import { type NetworkConfig, readNetworkConfig } from '#api/cni/config'
import type { Json } from '#api/json'
import { sentenceOf } from '#api/json'

function selection(element: Json): NetworkSelection {
  const parsed = parseNetworks(JSON.stringify([element]), { namespace: 'default' })
  const [first] = parsed.ok ? parsed.networks : []
  if (first === undefined) throw new Error('no selection')
  return first
}

function config(...capabilities: readonly Json[]): NetworkConfig {
  const plugins = capabilities.map((declared, index) => ({ type: `p${index}`, capabilities: declared }))
  const read = readNetworkConfig({ name: 'a', plugins }, { path: '', name: 'a' })
  if (!read.ok) throw new Error(read.problem)
  return read.config
}

describe('runtimeConfig', () => {
  it('of a secondary is what its own element asks for', () => {
    const asked = selection({
      name: 'a',
      ips: ['10.0.0.1/24'],
      mac: '02:00:00:00:00:01',
      'infiniband-guid': 'c2:11:22:33:44:55:66:77',
      deviceID: 'x',
    })
    expect(secondaryRuntimeConfig(asked, { deviceInfoFile: '/f' })).toEqual({
      ips: ['10.0.0.1/24'],
      mac: '02:00:00:00:00:01',
      infinibandGUID: 'c2:11:22:33:44:55:66:77',
      deviceID: 'x',
      CNIDeviceInfoFile: '/f',
    })
  })

  it('prefers the allocated device to the one asked for', () => {
    expect(secondaryRuntimeConfig(selection({ name: 'a', deviceID: 'x' }), { deviceId: 'y' })).toEqual({ deviceID: 'y' })
  })

  it("of the primary is the runtime's, with capabilities nobody knows, without the pod's annotations", () => {
    const own = {
      portMappings: [{ hostPort: 1, hostIP: '', protocol: 'tcp' }],
      dns: { servers: [] },
      'io.kubernetes.cri.pod-annotations': { a: 'b' },
    }
    expect(primaryRuntimeConfig(own)).toEqual({ portMappings: [{ hostPort: 1, protocol: 'tcp' }], dns: { servers: [] } })
  })
})

describe('unhonouredRequest', () => {
  it.each([
    ['nothing is asked for', { name: 'a' }, [{}]],
    ['some plugin declares it', { name: 'a', ips: ['10.0.0.1'] }, [{}, { ips: true }]],
    ['a device is asked for, which is injected anyway', { name: 'a', deviceID: 'x' }, [{}]],
  ])('is nothing when %s', (_, element, capabilities) =>
    expect(unhonouredRequest(selection(element), config(...capabilities))).toBeUndefined(),
  )

  it.each([
    ['ips', { name: 'a', ips: ['10.0.0.1'] }, 'ips'],
    ['mac, declared as false', { name: 'a', mac: '02:00:00:00:00:01' }, 'mac'],
    ['infiniband-guid', { name: 'a', 'infiniband-guid': 'c2:11:22:33:44:55:66:77' }, 'infinibandGUID'],
    ['portMappings', { name: 'a', portMappings: [{ hostPort: 1, containerPort: 2 }] }, 'portMappings'],
    ['bandwidth', { name: 'a', bandwidth: { ingressRate: 1 } }, 'bandwidth'],
  ])('names %s', (named, element, capability) => {
    const [key] = named.split(',')
    const refused = unhonouredRequest(selection(element), config({ mac: false }))
    expect(refused === undefined ? '' : sentenceOf(refused)).toBe(
      `k8s.v1.cni.cncf.io/networks[0].${key}: is asked for, but no plugin of network default/a declares the capability "${capability}"; add "capabilities": {"${capability}": true} to a plugin that has it, or remove "${key}"`,
    )
  })
})
