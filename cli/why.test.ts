import { Readable } from 'node:stream'
import { connect } from '#kube/testing/connect'
import { type FakeApiServer, openFakeApiServer } from '#kube/testing/fake-apiserver'
import { events, namespaces, networks, nodeNetworks, nodes, pods, profiles } from './cluster.ts'
import { run } from './run.ts'

let api: FakeApiServer
beforeEach(async () => {
  api = await openFakeApiServer({ resources: [pods, nodes, namespaces, events, networks, profiles, nodeNetworks] })
  api.put(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-a', labels: { rack: '1' } } })
  putProfile({})
  putNode('True', 'Serving')
  putNetwork('a', { cniVersion: '1.0.0', type: 'macvlan', master: "${node.labels['rack']}" })
})
afterEach(() => api.close())

const condition = (status: string, reason: string): object[] => [
  { type: 'Ready', status, reason, message: `it is ${reason}`, lastTransitionTime: '2026-01-01T00:00:00Z' },
]
const putProfile = (spec: object): unknown =>
  api.put(profiles, { apiVersion: 'plexus.dev/v1alpha1', kind: 'NodeNetworkProfile', metadata: { name: 'default' }, spec })
const putNode = (ready: string, reason: string): unknown =>
  api.put(nodeNetworks, {
    apiVersion: 'plexus.dev/v1alpha1',
    kind: 'NodeNetwork',
    metadata: { name: 'node-a' },
    status: {
      conditions: condition(ready, reason),
      profile: 'default',
      agentVersion: '1.2.3',
      primary: { name: 'cluster', type: 'bridge', source: 'x' },
      sandboxes: { attached: 3, deleting: 1 },
    },
  })
const putNetwork = (name: string, config: object): unknown =>
  api.put(networks, {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { namespace: 'shop', name },
    spec: { config: JSON.stringify(config) },
    status: { type: 'macvlan', conditions: condition('True', 'Published'), nodes: { desired: 1, ready: 1, summary: '1/1' }, pods: 2 },
  })

const STATUS = JSON.stringify([
  { name: 'cluster', interface: 'eth0', ips: ['10.1.0.2'], default: true, dns: {} },
  { name: 'shop/a', interface: 'net1', ips: ['10.2.0.2'], mac: '02:00:00:00:00:01', dns: {} },
])

function putPod(networksText: string, more: { readonly status?: string; readonly spec?: object } = {}): void {
  const annotations = {
    'k8s.v1.cni.cncf.io/networks': networksText,
    ...(more.status && { 'k8s.v1.cni.cncf.io/network-status': more.status }),
  }
  api.put(pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'shop', name: 'web', uid: 'uid-1', annotations },
    spec: { nodeName: 'node-a', ...more.spec },
    status: { phase: more.status === undefined ? 'Pending' : 'Running' },
  })
}

async function plexusctl(...argv: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly error: string }> {
  let [out, error] = ['', '']
  const code = await run(argv, {
    stdin: Readable.from([]),
    out: (text) => void (out += text),
    error: (text) => void (error += text),
    connect: async () => connect({ url: api.url }),
  })
  return { code, out, error }
}
const why = (): ReturnType<typeof plexusctl> => plexusctl('why', 'web', '-n', 'shop')

describe('plexusctl why', () => {
  it('shows annotation, networks, plan and result of a pod that has what it asks for, on one screen', async () => {
    putPod('a', { status: STATUS })
    const { code, out } = await why()
    expect([code, out.split('\n').length < 24]).toEqual([0, true])
    expect(out).toBe(`Pod      shop/web  (Running)
Node     node-a  profile default
Asks for
  k8s.v1.cni.cncf.io/networks: a
Networks
  shop/a  usable  k8s.v1.cni.cncf.io/networks[0]
Plan
  eth0  cluster  bridge
  net1  shop/a   macvlan
Has
  eth0  cluster  10.1.0.2
  net1  shop/a   10.2.0.2  02:00:00:00:00:01
Last error
  none
OK: nothing speaks against what it asks for
`)
  })

  it.each([
    ['a network that does not exist', 'b', {}, 'there is no NetworkAttachmentDefinition "b" in namespace "shop"; create it'],
    ['an annotation that is not one', '[{]', {}, 'k8s.v1.cni.cncf.io/networks'],
    ['an address that no plugin takes', '[{"name":"a","ips":["10.0.0.1/24"]}]', {}, 'declares the capability "ips"'],
    ['an interface that is not there', 'a,a', { status: STATUS }, 'net2 of network shop/a is not in network-status'],
    ['a pod without a node', 'a', { spec: { nodeName: '' } }, 'the pod is not scheduled to a node yet'],
    ["a pod in the node's network", 'a', { spec: { hostNetwork: true } }, "the pod uses the node's network, so nothing is attached"],
  ])('says why not: %s', async (...row) => {
    const [, networksText, more, sentence] = row
    putPod(networksText, more)
    expect(await why()).toMatchObject({ code: 1, out: expect.stringContaining(sentence) })
  })

  it('says which label the node lacks', async () => {
    putNetwork('a', { cniVersion: '1.0.0', type: 'macvlan', master: "${node.labels['uplink']}" })
    putPod('a')
    expect((await why()).out).toContain("node node-a has no node.labels['uplink']; set the label on the node")
  })

  it('says that the node does not serve pods', async () => {
    putNode('False', 'MultusPresent')
    putPod('a')
    expect(await why()).toMatchObject({
      code: 1,
      out: expect.stringContaining('node node-a does not serve pods: MultusPresent: it is MultusPresent'),
    })
  })

  it('shows the last warning about networks of this incarnation of the pod, and no other', async () => {
    putPod('a')
    const mine = api.get(pods, { namespace: 'shop', name: 'web' })?.metadata.uid ?? ''
    const event = (name: string, uid: string, more: object): void =>
      void api.put(events, {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { namespace: 'shop', name },
        involvedObject: { kind: 'Pod', name: 'web', uid },
        type: 'Warning',
        reason: 'FailedAttach',
        ...more,
      })
    event('1', mine, { message: 'first', lastTimestamp: '2026-01-01T00:00:01Z' })
    event('2', mine, { message: 'second', lastTimestamp: null, eventTime: '2026-01-01T00:00:02.000000Z' })
    event('3', mine, { message: 'probe', reason: 'Unhealthy', lastTimestamp: '2026-01-01T00:00:03Z' })
    event('4', 'of-another', { message: 'of the pod before', lastTimestamp: '2026-01-01T00:00:04Z' })
    expect((await why()).out).toContain('Last error\n  FailedAttach: second\n')
  })

  it('tells the same as JSON', async () => {
    putPod('b')
    const { code, out } = await plexusctl('why', 'pod/web', '-n', 'shop', '-o', 'json')
    expect([code, JSON.parse(out)]).toEqual([
      1,
      expect.objectContaining({
        pod: 'shop/web',
        networks: [{ network: 'shop/b', from: 'k8s.v1.cni.cncf.io/networks[0]', state: 'missing' }],
      }),
    ])
  })

  it('ends with code 2 when there is no such pod', async () => {
    expect(await why()).toEqual({ code: 2, out: '', error: expect.stringContaining('pod shop/web does not exist') })
  })
})

describe('plexusctl status', () => {
  it('shows profiles, nodes and networks', async () => {
    const { code, out } = await plexusctl('status')
    expect([code, out.replaceAll(/ +/g, ' ')]).toEqual([
      0,
      [
        'PROFILE PRIORITY STATE NODES',
        'default 0 Installed',
        '',
        'NODE READY PROFILE PRIMARY ATTACHED DELETING AGENT',
        'node-a True default cluster 3 1 1.2.3',
        '',
        'NETWORK TYPE READY NODES PODS',
        'shop/a macvlan True 1/1 2',
        '',
        'OK',
        '',
      ].join('\n'),
    ])
  })

  it('ends with code 1 and the sentence of what is not ready', async () => {
    putNode('False', 'PrimaryMissing')
    expect(await plexusctl('status')).toMatchObject({
      code: 1,
      out: expect.stringContaining('PROBLEM  node node-a: PrimaryMissing: it is PrimaryMissing'),
    })
  })

  it('says so when Plexus is not installed', async () => {
    const empty = await openFakeApiServer({ resources: [] })
    let out = ''
    const code = await run(['status'], {
      stdin: Readable.from([]),
      out: (text) => void (out += text),
      error: () => undefined,
      connect: async () => connect({ url: empty.url }),
    })
    await empty.close()
    expect([code, out]).toEqual([1, expect.stringContaining('there is no NodeNetworkProfile, or its kind is not installed')])
  })
})
