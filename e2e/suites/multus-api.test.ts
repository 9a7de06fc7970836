import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildComponent } from '#cluster/build/build'
import type { Cluster } from '#cluster/cluster'
import type { Node } from '#cluster/node/node'
import { holds, waitFor } from '#cluster/wait-for'
import { apply, eventSeen, networkStatus, nodesColumn, podRuns, removePod } from '../world/kube.ts'
import { footprint, nothingLeft } from '../world/leaks.ts'
import { delegateCall, multusPost, sandboxOf } from '../world/multus-client.ts'
import { macvlan, network, pod } from '../world/objects.ts'
import { NAMESPACE, plexusReady } from '../world/plexus.ts'
import { identity, openWorld } from './world.ts'

const { place, environment } = identity()
const CONF = '/etc/cni/net.d/00-multus.conf'
const LOG = '/run/multus-shim.log'
let cluster: Cluster
let node: Node

/** `multusDir` is what the agents see; the profile asks for the socket. */
async function serve(multusDir: string, multusApi: 'Enabled' | 'Disabled'): Promise<void> {
  const words = ['upgrade', 'plexus', join(place.checkout, 'charts/plexus'), '--namespace', NAMESPACE, '--reuse-values']
  await cluster.helm([...words, '--set', `agent.hostPaths.multusDir=${multusDir}`], { deadline: 120_000 })
  const names = (await cluster.kubectl(['get', 'nodenetworkprofiles', '-o', 'name'])).trim().split('\n')
  for (const name of names) await cluster.kubectl(['patch', name, '--type=merge', '-p', JSON.stringify({ spec: { multusApi } })])
  await plexusReady(cluster)
}

async function socketIs(there: boolean): Promise<void> {
  const look = async () => {
    const names = await node.files.list('/run/multus')
    return holds(names.includes('multus.sock') === there, names.join(' '))
  }
  await waitFor(`multus.sock of ${node.name} is ${there ? 'there' : 'gone'}`, look, { deadline: 90_000 })
}

beforeAll(async () => {
  const world = await openWorld()
  cluster = world.cluster
  node = world.second
  const folder = await buildComponent('multus', { place, environment, progress: (line) => void process.stderr.write(`${line}\n`) })
  await copyFile(join(folder, 'multus-shim'), node.files.pathOf('/opt/cni/bin/multus-shim'))
  await node.files.remove(LOG)
  await serve('/run/multus', 'Enabled')
  await socketIs(true)
})

afterAll(async () => {
  await node.files.remove('/opt/cni/bin/multus-shim')
  await serve('', 'Disabled')
})

describe("Multus' own shim as the plugin of the runtime", () => {
  beforeAll(async () => {
    const conf = {
      cniVersion: '1.1.0',
      name: 'multus-cni-network',
      type: 'multus-shim',
      logFile: LOG,
      logLevel: 'verbose',
      logToStderr: false,
    }
    await node.files.write(CONF, JSON.stringify({ ...conf, capabilities: { portMappings: true } }))
  })
  afterAll(async () => {
    await node.files.remove(CONF)
    await plexusReady(cluster)
  })

  it('has pods attached by Plexus, with the networks of their annotation', async () => {
    await apply(cluster, network({ name: 'by-shim', config: macvlan('by-shim', '10.62.1') }))
    await nodesColumn(cluster, 'by-shim', '2/2')
    const before = await footprint(node)
    const attached = await waitFor(
      'a pod is attached through the shim of Multus', // The runtime takes a moment to see the new conf.
      async () => {
        await apply(cluster, pod({ name: 'by-shim', node: node.name, networks: 'by-shim' }))
        const seen = await podRuns(cluster, 'by-shim')
        const said = await node.files.read(LOG).catch(() => '')
        if (said.includes('CmdAdd (shim): ')) return { done: true, value: seen }
        await removePod(cluster, 'by-shim')
        return { done: false, seen: said }
      },
      { deadline: 180_000 },
    )
    expect(networkStatus(attached).map((entry) => [entry.interface, entry.name, entry.ips?.length])).toEqual([
      ['eth0', 'primary', 1],
      ['net1', 'default/by-shim', 1],
    ])
    expect(await cluster.kubectl(['exec', 'by-shim', '--', 'ip', '-o', 'link', 'show', 'net1'])).toContain('net1')
    expect((await sandboxOf(node, 'by-shim')).cniVersion).toBe('1.0.0') // Our own conf says 1.1.0.
    await removePod(cluster, 'by-shim')
    await nothingLeft(node, before)
  })

  it('tells the sentence of Plexus, without the configuration', async () => {
    await apply(cluster, pod({ name: 'by-shim-missing', node: node.name, networks: 'there-is-none' }))
    const said = await eventSeen(cluster, 'by-shim-missing', /CmdAdd \(shim\)/)
    expect(said).toContain('there is no NetworkAttachmentDefinition "there-is-none" in namespace "default"; create it')
    expect(said).not.toContain('StdinData')
    await removePod(cluster, 'by-shim-missing')
  })
})

describe('/delegate with the requests of the dynamic-networks controller', () => {
  const config = {
    cniVersion: '1.0.0',
    name: 'hot',
    type: 'macvlan',
    master: 'eth1',
    mode: 'bridge',
    capabilities: { ips: true },
    ipam: { type: 'static' },
  }
  const addressOf = async (ifName: string): Promise<string> =>
    cluster.kubectl(['exec', 'hot', '--', 'ip', '-o', 'addr', 'show', 'dev', ifName]).catch((error: unknown) => String(error))

  it('plugs and unplugs an interface of a running pod, and the pod DEL detaches what is left', async () => {
    const before = await footprint(node)
    await apply(cluster, pod({ name: 'hot', node: node.name }))
    await podRuns(cluster, 'hot')
    const sandbox = await sandboxOf(node, 'hot')
    const ask = (command: 'ADD' | 'DEL' | 'CHECK', ifName: string, ip: string) =>
      delegateCall(node, sandbox, { command, ifName, config, attributes: { ips: [ip], 'cni-args': null } })

    const added = await ask('ADD', 'net1', '10.62.2.7/24')
    expect([added.status, added.body.Result?.ips?.[0]?.address]).toEqual([200, '10.62.2.7/24'])
    expect(await addressOf('net1')).toContain('10.62.2.7/24')
    expect((await ask('CHECK', 'net1', '10.62.2.7/24')).status).toBe(200)
    expect((await ask('ADD', 'net2', '10.62.2.8/24')).status).toBe(200)
    expect((await ask('DEL', 'net1', '10.62.2.7/24')).status).toBe(200)
    expect(await addressOf('net1')).toContain('does not exist')
    expect((await sandboxOf(node, 'hot')).attachments.map(({ ifName }) => ifName)).toEqual(['eth0', 'net2'])

    await removePod(cluster, 'hot')
    await nothingLeft(node, before)
  })

  it('refuses what cannot be attached with 400 and a CNI error', async () => {
    const nobody = {
      containerId: 'nobody',
      netns: '/run/netns/nobody',
      cniVersion: '',
      attachments: [],
      pod: { namespace: 'default', name: 'x', uid: 'x' },
    }
    expect(await delegateCall(node, nobody, { command: 'ADD', ifName: 'net1', config })).toMatchObject({
      status: 400,
      body: { code: 3, msg: expect.stringContaining('sandbox nobody has no record') },
    })
  })

  it('is healthy as clients of Multus ask it', async () => {
    expect((await multusPost(node, '/healthz', null)).status).toBe(200)
  })
})
