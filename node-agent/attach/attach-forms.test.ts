// The ways of asking besides Multus' own annotation, on the real attach path: confs of the node, both status annotations, labels of namespaces.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { labelSelector } from '#api/kinds/label-selector'
import { until } from '#kube/testing/until'
import { pods } from '../pods/pod.ts'
import { apiCalls, commitOf, openShimWorld } from './testing/shim-calls.ts'
import { NAMESPACES, operation, type World } from './testing/world.ts'

let world: World
beforeEach(async () => void (world = await openShimWorld()))
afterEach(() => world.close())

const wants = (annotations: Record<string, string>): object => operation('c1', { annotations })
const conf = (name: string, text: object): Promise<void> => writeFile(join(world.directory, 'conf', name), JSON.stringify(text))

interface Planned {
  readonly attachments?: readonly {
    readonly network: string
    readonly ifName: string
    readonly plugins: readonly { readonly type: string }[]
  }[]
}

function places({ body }: { readonly body: Planned }): readonly string[] {
  if (body.attachments === undefined) return [JSON.stringify(body)]
  return body.attachments.map(({ network, ifName, plugins }) => `${network} ${ifName} ${plugins.map(({ type }) => type).join('+')}`)
}

describe('a pod of the TKE fork', () => {
  it('is planned from confs of the node, and its status is written under both keys', async () => {
    await mkdir(join(world.directory, 'conf', 'multus'))
    await conf('multus/tke.conf', { cniVersion: '0.3.1', name: 'tke-bridge', type: 'prim' })
    await world.start()
    const planned = await world.post('/v1/plan', wants({ 'tke.cloud.tencent.com/networks': 'tke-bridge,a' }))
    expect(places(planned)).toEqual(['tke-bridge eth0 prim', 'default/a eth1 sec'])
    const made = [['tke-bridge', 'eth0', '10.1.0.2/24'] as const, ['default/a', 'eth1', '10.2.0.2/24'] as const]
    expect(await world.post('/v1/commit', commitOf('c1', made))).toMatchObject({ status: 200 })
    await until('the status is written', () => apiCalls(world).length > 0)
    const patched = world.api.get(pods, { namespace: 'default', name: 'web' })
    const status = expect.stringMatching(/"name": "tke-bridge",[^]*"name": "default\/a",/)
    expect(patched).toMatchObject({
      metadata: { annotations: { 'tke.cloud.tencent.com/networks-status': status, 'k8s.v1.cni.cncf.io/network-status': status } },
    })
  })
})

describe('default networks by label', () => {
  beforeEach(() => {
    const selector = labelSelector.parse({ matchLabels: { team: 'red' } })
    world.snapshot.setProfile({ namespaceDefaults: [{ selector, networks: ['default/a'] }] })
  })

  it('come from the streamed labels without a call', async () => {
    world.snapshot.label('default', { team: 'red' })
    await world.start()
    expect([places(await world.post('/v1/plan', wants({}))), apiCalls(world)]).toEqual([['cluster eth0 prim', 'default/a net1 sec'], []])
  })

  it('come from one read for a namespace that the stream has not brought', async () => {
    world.api.put(NAMESPACES, { metadata: { name: 'default', labels: { team: 'red' } } })
    await world.start()
    expect(places(await world.post('/v1/plan', wants({})))).toEqual(['cluster eth0 prim', 'default/a net1 sec'])
    expect(apiCalls(world)).toEqual(['GET /api/v1/namespaces/default'])
  })

  it('are never left out because the API server does not know the namespace', async () => {
    await world.start()
    expect((await world.post('/v1/plan', wants({}))).body).toMatchObject({
      code: 11,
      msg: expect.stringContaining('its labels are not known'),
    })
  })
})

it('the auxiliary chain of the node runs last, and its absence is no error', async () => {
  world.snapshot.setProfile({ auxiliaryChain: 'vendor-cni-chain' })
  await world.start()
  expect(places(await world.post('/v1/plan', wants({})))).toEqual(['cluster eth0 prim'])
  await mkdir(join(world.directory, 'conf', 'vendor-cni-chain'))
  await conf('vendor-cni-chain/1.conf', { type: 'sec' })
  const again = await world.post('/v1/plan', operation('c2', { annotations: {} }))
  expect(places(again)).toEqual(['cluster eth0 prim', 'vendor-cni-chain net1 sec'])
})

it('a Kuryr subnet is the network that the stream marks with it', async () => {
  const found = world.snapshot.networks().get([...world.snapshot.networks().keys()][0] ?? expect.anything())
  if (found?.state !== 'usable') throw new Error('no network')
  world.snapshot.put('default/k', { ...found, kuryrSubnet: 'subnet-1' })
  await world.start()
  expect(places(await world.post('/v1/plan', wants({ 'openstack.org/kuryr-additional-subnets': '["subnet-1"]' })))).toEqual([
    'cluster eth0 prim',
    'default/k eth1 sec',
  ])
})
