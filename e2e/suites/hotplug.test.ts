import type { Cluster } from '#cluster/cluster'
import type { Node } from '#cluster/node/node'
import { holds, waitFor } from '#cluster/wait-for'
import { apply, events, eventSeen, networkStatus, nodesColumn, podRuns, read, removePod } from '../world/kube.ts'
import { type Footprint, footprint, nothingLeft } from '../world/leaks.ts'
import { macvlan, network, pod } from '../world/objects.ts'
import { killAgent, renewAgent, startAgents, stopAgents } from '../world/plexus-processes.ts'
import { installAgentGate, installPassing } from '../world/test-plugins.ts'
import { openWorld } from './world.ts'

const KEY = 'k8s.v1.cni.cncf.io/networks'

describe('hotplug: editing the networks annotation of a running pod', () => {
  let cluster: Cluster
  let first: Node
  let second: Node
  let before: Footprint

  beforeAll(async () => {
    ;({ cluster, first, second } = await openWorld())
    await apply(
      cluster,
      network({ name: 'plug-a', config: macvlan('plug-a', '10.67.1') }),
      network({ name: 'plug-b', config: macvlan('plug-b', '10.67.2') }),
    )
    await nodesColumn(cluster, 'plug-a', '2/2')
    await nodesColumn(cluster, 'plug-b', '2/2')
  })

  beforeEach(async () => {
    before = await footprint(first)
  })

  /** Writes the annotation; undefined removes it. */
  async function edit(name: string, networks: string | undefined): Promise<void> {
    await cluster.kubectl(['annotate', 'pod', name, '--overwrite', networks === undefined ? `${KEY}-` : `${KEY}=${networks}`])
  }

  /** Interfaces of the pod's own namespace besides lo. */
  async function links(name: string): Promise<readonly string[]> {
    const text = await cluster.kubectl(['exec', name, '--', 'ip', '-o', 'link', 'show'])
    return [...text.matchAll(/^\d+: ([^:@]+)/gm)].map(([, link = '']) => link).filter((link) => link !== 'lo')
  }

  /** Waits until network-status lists exactly these, and the kernel agrees. */
  async function attached(name: string, wanted: readonly string[]): Promise<void> {
    await waitFor(
      `pod ${name} has ${wanted.join(', ')}`,
      async () => {
        const seen = await read(cluster, 'pod', name)
        const listed =
          seen === undefined
            ? []
            : networkStatus(seen)
                .slice(1)
                .map((entry) => `${entry.name.replace('default/', '')} ${entry.interface}`)
        return holds(listed.join() === wanted.join(), listed.join())
      },
      { deadline: 90_000, every: 250 },
    )
    const expected = ['eth0', ...wanted.map((entry) => entry.split(' ')[1] ?? '')]
    expect((await links(name)).toSorted()).toEqual(expected.toSorted())
  }

  it('attaches in order, detaches, and the pod talks over what it got', async () => {
    await apply(cluster, pod({ name: 'plug', node: first.name }), pod({ name: 'plug-peer', node: second.name, networks: 'plug-a@lan' }))
    const { uid } = (await podRuns(cluster, 'plug')).metadata
    const peer = networkStatus(await podRuns(cluster, 'plug-peer'))[1]?.ips?.[0] ?? ''
    await edit('plug', 'plug-b,plug-a@lan')
    await attached('plug', ['plug-b net1', 'plug-a lan'])
    await cluster.kubectl(['exec', 'plug', '--', 'ping', '-c', '2', '-I', 'lan', peer])
    await edit('plug', 'plug-a@lan,plug-b,plug-b')
    await attached('plug', ['plug-b net1', 'plug-a lan', 'plug-b net2'])
    await edit('plug', 'plug-a@lan')
    await attached('plug', ['plug-a lan'])
    await edit('plug', undefined)
    await attached('plug', [])
    await eventSeen(cluster, 'plug', /RemovedInterface: Remove lan from default\/plug-a/)
    const said = (await events(cluster, 'plug', uid))
      .filter((message) => /default\/plug-/.test(message))
      .map((message) => message.replace(/\[.*\]/, '[]'))
    expect(said.toSorted()).toEqual([
      'Normal AddedInterface: Add lan [] from default/plug-a',
      'Normal AddedInterface: Add net1 [] from default/plug-b',
      'Normal AddedInterface: Add net2 [] from default/plug-b',
      'Normal RemovedInterface: Remove lan from default/plug-a',
      'Normal RemovedInterface: Remove net1 from default/plug-b',
      'Normal RemovedInterface: Remove net2 from default/plug-b',
    ])
    await removePod(cluster, 'plug')
    await removePod(cluster, 'plug-peer')
    await nothingLeft(first, before)
  })

  it("the pod's deletion detaches what it got while it ran", async () => {
    await apply(cluster, pod({ name: 'plug-del', node: first.name, networks: 'plug-a' }))
    await podRuns(cluster, 'plug-del')
    await edit('plug-del', 'plug-a,plug-b')
    await attached('plug-del', ['plug-a net1', 'plug-b net2'])
    await removePod(cluster, 'plug-del')
    await nothingLeft(first, before)
  })

  it('a changed attribute is refused with an event, and the pod keeps what it has', async () => {
    await apply(cluster, pod({ name: 'plug-change', node: first.name, networks: 'plug-a' }))
    await podRuns(cluster, 'plug-change')
    await edit('plug-change', '[{"name":"plug-a","mac":"02:00:00:00:67:01"},{"name":"plug-b"}]')
    await eventSeen(
      cluster,
      'plug-change',
      /InterfaceAddRejected: .*networks\[0\]: mac of network default\/plug-a \(net1\) cannot be changed/,
    )
    await attached('plug-change', ['plug-a net1', 'plug-b net2'])
    await removePod(cluster, 'plug-change')
    await nothingLeft(first, before)
  })

  it('a network that does not exist is attached when it appears', async () => {
    await cluster.kubectl(['delete', 'net-attach-def', 'plug-late', '--ignore-not-found'])
    await apply(cluster, pod({ name: 'plug-waits', node: first.name }))
    await podRuns(cluster, 'plug-waits')
    await edit('plug-waits', 'plug-late')
    await eventSeen(cluster, 'plug-waits', /FailedAddingInterface: .*there is no NetworkAttachmentDefinition "plug-late"/)
    await apply(cluster, network({ name: 'plug-late', config: macvlan('plug-late', '10.67.3') }))
    await attached('plug-waits', ['plug-late net1'])
    await removePod(cluster, 'plug-waits')
    await nothingLeft(first, before)
  })

  it('a pod on the network of its node is told that it gets nothing', async () => {
    const manifest = pod({ name: 'plug-host', node: first.name, networks: 'plug-a' })
    const spec = { ...(manifest['spec'] as object), hostNetwork: true }
    await apply(cluster, { ...manifest, spec })
    await eventSeen(cluster, 'plug-host', /Warning InterfaceAddRejected: .*hostNetwork/)
    await removePod(cluster, 'plug-host')
  })

  it('edits made while no agent runs are carried out when one starts', async () => {
    await apply(cluster, pod({ name: 'plug-away', node: first.name, networks: 'plug-a' }))
    await podRuns(cluster, 'plug-away')
    await stopAgents(cluster)
    try {
      await edit('plug-away', 'plug-b')
    } finally {
      await startAgents(cluster)
    }
    await attached('plug-away', ['plug-b net1'])
    await removePod(cluster, 'plug-away')
    await nothingLeft(first, before)
  })

  it('an agent SIGKILLed between two delegates of a hotplug: the next one converges and nothing is left over', async () => {
    await renewAgent(cluster, first) // No restart back-off from before.
    const gate = await installAgentGate(first, 'hotplug')
    await installPassing(second, gate.type)
    const config = { cniVersion: '1.0.0', name: 'plug-gate', plugins: [macvlan('plug-gate', '10.67.4'), { type: gate.type }] }
    await apply(cluster, network({ name: 'plug-gate', config }), pod({ name: 'plug-killed', node: first.name }))
    await nodesColumn(cluster, 'plug-gate', '2/2', 90_000)
    await podRuns(cluster, 'plug-killed')
    await edit('plug-killed', 'plug-gate')
    await gate.reached()
    await killAgent(cluster, first)
    await gate.open()
    await attached('plug-killed', ['plug-gate net1'])
    const addresses = (await footprint(first)).addresses.filter((address) => address.startsWith('plug-gate/'))
    expect(addresses).toHaveLength(1)
    await removePod(cluster, 'plug-killed')
    await nothingLeft(first, before, 90_000)
  })
})
