import { facts, macvlan, network } from '../../testing/build.ts'
import { planNetwork } from './plan-network.ts'

describe('planNetwork', () => {
  it.each([
    ['a config that is not JSON', '{', 'spec.config'],
    ['a plugin type with a path', macvlan({ type: '../sh' }), 'spec.config.type: "../sh"'],
    ['Multus as a delegate', macvlan({ type: 'multus' }), 'spec.config.type: "multus"'],
    ['Plexus as its own delegate', macvlan({ type: 'plexus' }), 'spec.config.type: "plexus"'],
    ['an ipam type with a path', macvlan({ ipam: { type: '../sh' } }), 'spec.config.ipam.type: "../sh"'],
    ['an ipam that is no object', macvlan({ ipam: 'host-local' }), 'spec.config.ipam'],
    ['a config of a megabyte', macvlan({ filler: 'x'.repeat(2 ** 20) }), 'spec.config: is longer than 131072 bytes'],
    ['the key __proto__', '{"type":"macvlan","__proto__":{"type":"sh"}}', 'spec.config.__proto__'],
    ['a key written twice', '{"type":"macvlan","type":"ipvlan"}', 'spec.config.type'],
    ['a placeholder that decides what is executed', macvlan({ type: "${node.labels['type']}" }), 'spec.config.type'],
  ])('rejects %s, naming the field, and tells every node why', (_, config, start) => {
    const plan = planNetwork(network({ config, nodes: [facts('a'), facts('b')] }))
    expect(plan).toMatchObject({ kind: 'rejected', message: expect.stringMatching(/; /) })
    const message = plan.kind === 'rejected' ? plan.message : ''
    expect(message.slice(0, start.length)).toBe(start)
    expect([...plan.objects.values()]).toEqual([
      { state: 'rejected', uid: 'uid', generation: 1, message },
      { state: 'rejected', uid: 'uid', generation: 1, message },
    ])
  })

  it('gives all nodes one and the same object when nothing depends on them', () => {
    const plan = planNetwork(network({ nodes: [facts('a'), facts('b')], resourceName: 'vendor/nic' }))
    expect(plan.objects.get('a')).toBe(plan.objects.get('b'))
    expect(plan.objects.get('a')).toMatchObject({
      state: 'usable',
      resourceName: 'vendor/nic',
      config: { name: 'net', plugins: [{ type: 'macvlan' }] },
    })
  })

  it('sends what the annotations say with the network', () => {
    const marks = { kuryrSubnet: 's-1', lenient: true }
    expect(planNetwork({ ...network({ nodes: [facts('a')] }), marks }).objects.get('a')).toMatchObject({ state: 'usable', ...marks })
  })

  it('shows type, ipam and version of the config', () => {
    const config = JSON.stringify({
      cniVersion: '0.4.0',
      name: 'x',
      plugins: [{ type: 'bridge' }, { type: 'tuning', ipam: { type: 'static' } }],
    })
    expect(planNetwork(network({ config }))).toMatchObject({ traits: { type: 'bridge', ipam: 'static', cniVersion: '0.4.0' } })
  })

  it.each([undefined, '', '  '])("leaves an empty config (%j) to the node's own file", (config) => {
    const plan = planNetwork(network({ config }))
    expect(plan).toMatchObject({ kind: 'publish', traits: {}, lacking: [] })
    expect(plan.objects.get('a')).toEqual({ state: 'usable', uid: 'uid', generation: 1 })
  })

  it('renders labels and parameters per node', () => {
    const config = macvlan({ master: "${node.labels['uplink']}", mtu: "${profile.parameters['mtu']|int}" })
    const nodes = [
      facts('a', { labels: { uplink: 'ens1' }, parameters: { mtu: '9000' } }),
      facts('b', { labels: { uplink: 'ens2' }, parameters: { mtu: '1500' } }),
    ]
    const { objects } = planNetwork(network({ config, nodes }))
    expect(objects.get('a')).toMatchObject({ config: { plugins: [{ conf: { master: 'ens1', mtu: 9000 } }] } })
    expect(objects.get('b')).toMatchObject({ config: { plugins: [{ conf: { master: 'ens2', mtu: 1500 } }] } })
  })

  it('names a node that lacks a value and still serves the others', () => {
    const config = macvlan({ master: "${node.labels['uplink']}" })
    const plan = planNetwork(network({ config, nodes: [facts('a', { labels: { uplink: 'ens1' } }), facts('b')] }))
    const message = "spec.config.master: node b has no node.labels['uplink']; set the label on the node"
    expect(plan).toMatchObject({ kind: 'publish', lacking: [{ node: 'b', message }] })
    expect(plan.objects.get('a')).toMatchObject({ state: 'usable' })
    expect(plan.objects.get('b')).toMatchObject({ state: 'rejected', message })
  })
})
