// What a node says it cannot serve.
import { parseNetworkConfig } from '#api/cni/config'
import { type NetworkKey, parseNetworkKey } from '#api/ids'
import type { NodeNetworkObject } from '#api/stream'
import { type NodeInventory, validateNetworks } from './validate-networks.ts'

const inventory: NodeInventory = {
  node: 'n1',
  binDirs: ['/opt/cni/bin', '/usr/lib/cni'],
  confDirs: ['/etc/cni/net.d'],
  hasPlugin: (type) => ['macvlan', 'host-local'].includes(type),
  hasConf: (name) => name === 'local',
}
const usable = (config?: object): NodeNetworkObject => {
  const head = { state: 'usable', uid: 'u', generation: 1 } as const
  if (config === undefined) return head
  const parsed = parseNetworkConfig(JSON.stringify(config), { path: 'spec.config', name: 'x' })
  if (!parsed.ok) throw new Error(parsed.problem)
  return { ...head, config: parsed.config }
}
const networks = (entries: Readonly<Record<string, NodeNetworkObject>>): ReadonlyMap<NetworkKey, NodeNetworkObject> =>
  new Map(
    Object.entries(entries).flatMap(([text, network]) => {
      const key = parseNetworkKey(text)
      return key === undefined ? [] : [[key, network] as const]
    }),
  )

const remedy = "in /opt/cni/bin or /usr/lib/cni; install it there, or name its directory in extraBinDirs of the node's NodeNetworkProfile"
const cases: readonly (readonly [sentence: string, name: string, network: NodeNetworkObject, message: string | undefined])[] = [
  ['plugins that are there', 'blue/x', usable({ type: 'macvlan', ipam: { type: 'host-local' } }), undefined],
  ['a missing plugin', 'blue/x', usable({ type: 'sriov' }), `plugin "sriov" not found on node n1 ${remedy}`],
  [
    'a missing IPAM plugin',
    'blue/x',
    usable({ type: 'macvlan', ipam: { type: 'whereabouts' } }),
    `plugin "whereabouts" not found on node n1 ${remedy}`,
  ],
  [
    'several missing plugins in a list, each once',
    'blue/x',
    usable({ plugins: [{ type: 'a' }, { type: 'macvlan' }, { type: 'b' }, { type: 'a' }] }),
    `plugins "a" and "b" not found on node n1 ${remedy}`,
  ],
  ['an empty spec with a conf on the node', 'blue/local', usable(), undefined],
  [
    'an empty spec without one',
    'blue/x',
    usable(),
    'spec.config: is empty and node n1 has no CNI configuration named "x" in /etc/cni/net.d; write spec.config or put that file on the node',
  ],
  ['what the operator rejected is its own to report', 'blue/x', { state: 'rejected', uid: 'u', generation: 1, message: 'bad' }, undefined],
]

describe('validation on a node', () => {
  it.each(cases)('says of %s what there is to say', (_, name, network, message) => {
    expect(validateNetworks(networks({ [name]: network }), inventory).map((rejection) => rejection.message)).toEqual(
      message === undefined ? [] : [message],
    )
  })

  it('is sorted by key, so that equal truths are equal texts', () => {
    const keys = validateNetworks(networks({ 'b/x': usable({ type: 'p' }), 'a/x': usable({ type: 'p' }) }), inventory).map(({ key }) => key)
    expect(keys).toEqual(['a/x', 'b/x'])
  })

  it('refuses a config that an operator of another release let through', () => {
    const evil = {
      ...usable({ type: 'macvlan' }),
      config: {
        name: 'x',
        cniVersion: '1.0.0',
        form: 'conf',
        plugins: [{ type: '../sh', capabilities: [], conf: { type: '../sh' } }],
        disableCheck: false,
        disableGC: false,
        loadOnlyInlinedPlugins: false,
      },
    } as const
    expect(validateNetworks(networks({ 'b/x': evil }), inventory)).toMatchObject([{ reason: 'InvalidConfig' }])
  })
})
