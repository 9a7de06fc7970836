// Devices on real nodes: a device plugin at the real kubelet, claims of the real API, the plugins that get them.
import type { Cluster } from '#cluster/cluster'
import type { Node } from '#cluster/node/node'
import { holds, waitFor } from '#cluster/wait-for'
import { addByHand, delByHand } from '../world/by-hand.ts'
import { type DevicePlugin, openDevicePlugin } from '../world/device-plugin.ts'
import { apply, eventSeen, networkStatus, nodesColumn, podRuns, read, removePod } from '../world/kube.ts'
import { footprint, nothingLeft } from '../world/leaks.ts'
import { macvlan, type Manifest, network, pod } from '../world/objects.ts'
import { installPassing, installInputKeeper, type RecordedCall, type InputKeeper } from '../world/test-plugins.ts'
import { openWorld } from './world.ts'

const RESOURCE = 'plexus.example/vf'
const CLAIMED = 'plexus.example/claimed'
const IDS = ['0000:18:02.7', '0000:18:02.1', '0000:18:02.4']
const INFO = '/run/k8s.cni.cncf.io/devinfo'
const NETWORKS = 'k8s.v1.cni.cncf.io/networks'
const pci = (id: string) => ({ type: 'pci', version: '1.1.0', pci: { 'pci-address': id } })

let cluster: Cluster
let node: Node
let recorder: InputKeeper
let plugin: DevicePlugin

/** A NAD that hands out devices of a resource; its second plugin records. */
function deviceNetwork(name: string, subnet: string, resource: string): Manifest {
  const capabilities = { deviceID: true, CNIDeviceInfoFile: true }
  const config = { cniVersion: '1.0.0', name, plugins: [macvlan(name, subnet), { type: recorder.type, capabilities }] }
  const metadata = { name, namespace: 'default', annotations: { 'k8s.v1.cni.cncf.io/resourceName': resource } }
  return { ...network({ name, config }), metadata }
}

/** A pod whose container gets `count` devices. */
function devicePod(name: string, networks: string, count: number): Manifest {
  const limits = { [RESOURCE]: String(count) }
  const container = { name: 'main', image: 'localhost/plexus-test:1', imagePullPolicy: 'Never', command: ['sleep', '1000000'] }
  const spec = {
    nodeName: node.name,
    terminationGracePeriodSeconds: 0,
    tolerations: [{ operator: 'Exists' }],
    containers: [{ ...container, resources: { limits, requests: limits } }],
  }
  return { ...pod({ name, node: node.name, networks }), spec }
}

const callsOf = async (command: string, network: string): Promise<readonly RecordedCall[]> =>
  (await recorder.calls()).filter((call) => call.command === command && call.stdin['name'] === network)

async function allocatable(count: string): Promise<void> {
  await waitFor(
    `${node.name} offers ${count} of ${RESOURCE}`,
    async () => {
      const offered = JSON.stringify((await read(cluster, 'node', node.name))?.status?.['allocatable'] ?? {})
      return holds(offered.includes(`"${RESOURCE}":"${count}"`), offered)
    },
    { deadline: 60_000, every: 500 },
  )
}

/** A pod may leave the API server before its sandbox is deleted. */
async function noFilesLeft(): Promise<void> {
  const look = async () => {
    const files = await node.files.list(`${INFO}/cni`)
    return holds(files.length === 0, files.join(' '))
  }
  await waitFor('no device-info file of an attachment is left', look, { deadline: 60_000, every: 250 })
}

beforeAll(async () => {
  const world = await openWorld()
  cluster = world.cluster
  node = world.first
  recorder = await installInputKeeper(node, 'devices')
  await installPassing(world.second, recorder.type)
  plugin = await openDevicePlugin(node, { name: 'plexus-e2e', resource: RESOURCE, ids: IDS })
  for (const id of IDS) await node.files.write(`${INFO}/dp/plexus.example-vf-${id}-device.json`, JSON.stringify(pci(id)))
  await allocatable(String(IDS.length))
  await apply(cluster, deviceNetwork('vf-a', '10.63.1', RESOURCE), deviceNetwork('vf-b', '10.63.2', RESOURCE))
  await apply(cluster, deviceNetwork('vf-claimed', '10.63.3', CLAIMED))
  for (const name of ['vf-a', 'vf-b', 'vf-claimed']) await nodesColumn(cluster, name, '2/2')
})

afterAll(async () => {
  await cluster.kubectl(['delete', 'net-attach-def', 'vf-a', 'vf-b', 'vf-claimed', '--ignore-not-found'])
  await plugin.close()
})

describe('devices of a device plugin', () => {
  it('reach the plugins of each network, sorted and one each, and network-status; nothing is left after DEL', async () => {
    const before = await footprint(node)
    await apply(cluster, devicePod('two-devices', 'vf-b,vf-a', 2))
    const seen = await podRuns(cluster, 'two-devices')
    const [b, a] = [await callsOf('ADD', 'vf-b'), await callsOf('ADD', 'vf-a')].map((calls) => calls.at(-1))
    const ids = [b, a].map((call) => String(call?.stdin['deviceID']))
    expect(ids).toEqual(ids.toSorted())
    expect(new Set(ids).size).toBe(2)
    expect(IDS).toEqual(expect.arrayContaining(ids))
    for (const [call, ifName, name] of [
      [b, 'net1', 'vf-b'],
      [a, 'net2', 'vf-a'],
    ] as const) {
      const id = call?.stdin['deviceID']
      const infoFile = `/var/run/k8s.cni.cncf.io/devinfo/cni/default-${name}-${call?.containerId}_${ifName}`
      expect(call).toMatchObject({ ifName, stdin: { pciBusID: id, runtimeConfig: { deviceID: id, CNIDeviceInfoFile: infoFile } } })
      expect(JSON.parse(await node.files.read(infoFile))).toEqual(pci(String(id)))
    }
    expect(networkStatus(seen)).toMatchObject([
      {},
      { name: 'default/vf-b', interface: 'net1', 'device-info': pci(String(ids[0])) },
      { name: 'default/vf-a', interface: 'net2', 'device-info': pci(String(ids[1])) },
    ])

    await removePod(cluster, 'two-devices')
    await nothingLeft(node, before)
    expect((await callsOf('DEL', 'vf-a')).at(-1)?.stdin).toMatchObject({ deviceID: ids[1], pciBusID: ids[1] })
    await noFilesLeft()
  })

  it('are free for the next pod after DEL', async () => {
    for (const name of ['first-of-all', 'second-of-all']) {
      await apply(cluster, devicePod(name, 'vf-a', IDS.length))
      await podRuns(cluster, name)
      await removePod(cluster, name)
    }
    const given = (await callsOf('ADD', 'vf-a')).slice(-2).map(({ stdin }) => stdin['deviceID'])
    expect(given).toEqual(Array(2).fill(IDS.toSorted()[0]))
  })

  it('that a pod did not ask for keep it from starting, with a sentence that says what to do', async () => {
    await apply(cluster, pod({ name: 'no-device', node: node.name, networks: 'vf-a' }))
    const sentence = await eventSeen(cluster, 'no-device', /FailedAttach.*needs a device/)
    expect(sentence).toContain(`of which pod default/no-device has no device; let a container request "${RESOURCE}": 1 or more`)
    await removePod(cluster, 'no-device')
  })

  it('are read from the checkpoint while the kubelet is away', async () => {
    await apply(cluster, devicePod('checkpoint', 'vf-a', 1))
    const seen = await podRuns(cluster, 'checkpoint')
    const id = (await callsOf('ADD', 'vf-a')).at(-1)?.stdin['deviceID']
    const { name, uid } = seen.metadata
    const made = { containerId: 'e2e-checkpoint', pod: { namespace: 'default', name, uid }, annotations: { [NETWORKS]: 'vf-a' } }
    await node.kubelet.stop()
    try {
      await addByHand(node, made)
      expect((await callsOf('ADD', 'vf-a')).at(-1)).toMatchObject({ containerId: made.containerId, stdin: { deviceID: id } })
      await delByHand(node, made)
    } finally {
      await node.kubelet.start({})
    }
    await removePod(cluster, 'checkpoint')
    // The kubelet takes its registered plugins for gone when it starts.
    await plugin.close()
    plugin = await openDevicePlugin(node, { name: 'plexus-e2e', resource: RESOURCE, ids: IDS })
    await allocatable(String(IDS.length))
  })
})

describe('devices of resource claims', () => {
  const driver = 'dra.plexus.example'
  const slice = {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceSlice',
    metadata: { name: 'e2e-claimed' },
  }
  const claim = {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata: { name: 'e2e-vf', namespace: 'default' },
    spec: { devices: { requests: [{ name: 'vf', exactly: { deviceClassName: 'e2e-vf' } }] } },
  }
  const deviceClass = { apiVersion: 'resource.k8s.io/v1', kind: 'DeviceClass', metadata: { name: 'e2e-vf' }, spec: {} }

  afterAll(async () => {
    await removePod(cluster, 'claiming')
    const finalizers = JSON.stringify({ metadata: { finalizers: null } })
    await cluster.kubectl(['patch', 'resourceclaim', 'e2e-vf', '--type=merge', '-p', finalizers]).catch(() => '')
    await cluster.kubectl(['delete', 'resourceclaim/e2e-vf', 'resourceslice/e2e-claimed', 'deviceclass/e2e-vf', '--ignore-not-found'])
  })

  it('reach the plugins with the id that the slice of the node says', async () => {
    const attributes = { 'k8s.cni.cncf.io/deviceID': { string: '0000:af:00.3' }, 'k8s.cni.cncf.io/resourceName': { string: CLAIMED } }
    const spec = { driver, nodeName: node.name, pool: { name: node.name, generation: 1, resourceSliceCount: 1 } }
    await apply(cluster, deviceClass, claim, { ...slice, spec: { ...spec, devices: [{ name: 'vf-3', attributes }] } })
    const claiming = pod({ name: 'claiming', node: node.name })
    const container = { name: 'main', image: 'localhost/plexus-test:1', imagePullPolicy: 'Never', command: ['sleep', '1000000'] }
    const claimingSpec = {
      nodeName: node.name,
      terminationGracePeriodSeconds: 0,
      tolerations: [{ operator: 'Exists' }],
      resourceClaims: [{ name: 'vf', resourceClaimName: 'e2e-vf' }],
      containers: [{ ...container, resources: { claims: [{ name: 'vf' }] } }],
    }
    await apply(cluster, { ...claiming, spec: claimingSpec })
    const uid = (await read(cluster, 'pod', 'claiming'))?.metadata.uid ?? ''
    const results = [{ request: 'vf', driver, pool: node.name, device: 'vf-3' }]
    const status = { allocation: { devices: { results } }, reservedFor: [{ resource: 'pods', name: 'claiming', uid }] }
    await cluster.kubectl(['patch', 'resourceclaim', 'e2e-vf', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })])

    // No driver prepares the device, so the kubelet waits before it makes a sandbox; ours stands for it.
    const made = {
      containerId: 'e2e-claiming',
      pod: { namespace: 'default', name: 'claiming', uid },
      annotations: { [NETWORKS]: 'vf-claimed' },
    }
    await addByHand(node, made)
    const call = (await callsOf('ADD', 'vf-claimed')).at(-1)
    expect(call).toMatchObject({ containerId: made.containerId, stdin: { deviceID: '0000:af:00.3', pciBusID: '0000:af:00.3' } })
    await delByHand(node, made)
    await noFilesLeft()
  })
})
