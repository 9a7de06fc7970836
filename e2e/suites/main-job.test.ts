import type { Cluster } from '#cluster/cluster'
import type { Node } from '#cluster/node/node'
import { apply, condition, events, networkStatus, nodesColumn, podRuns, read, removePod } from '../world/kube.ts'
import { footprint, nothingLeft } from '../world/leaks.ts'
import { macvlan, network, pod } from '../world/objects.ts'
import { openWorld } from './world.ts'

describe('the main job on two nodes', () => {
  let cluster: Cluster
  let first: Node
  let second: Node

  beforeAll(async () => {
    ;({ cluster, first, second } = await openWorld())
  })

  it('renders a network per node, shows it 2/2, and two pods talk over net1', async () => {
    const before = [await footprint(first), await footprint(second)] as const
    const config = {
      ...macvlan('talk', '10.60.1'),
      ipam: {
        type: 'host-local',
        subnet: '10.60.1.0/24',
        rangeStart: "${node.annotations['test/start']}",
        rangeEnd: "${node.annotations['test/end']}",
      },
    }
    await cluster.kubectl(['annotate', 'node', first.name, 'test/start=10.60.1.10', 'test/end=10.60.1.19', '--overwrite'])
    await cluster.kubectl(['annotate', 'node', second.name, 'test/start=10.60.1.20', 'test/end=10.60.1.29', '--overwrite'])
    await apply(cluster, network({ name: 'talk', config }))
    await nodesColumn(cluster, 'talk', '2/2')
    await condition(cluster, 'net-attach-def/talk', { type: 'Ready', status: 'True' })

    await apply(
      cluster,
      pod({ name: 'talk-1', node: first.name, networks: 'talk' }),
      pod({ name: 'talk-2', node: second.name, networks: 'talk' }),
    )
    const [one, two] = [networkStatus(await podRuns(cluster, 'talk-1')), networkStatus(await podRuns(cluster, 'talk-2'))]
    expect(one.map((entry) => [entry.name.replace(/^[^/]*$/, 'primary'), entry.interface])).toEqual([
      ['primary', 'eth0'],
      ['default/talk', 'net1'],
    ])
    const [ip1, ip2] = [one[1]?.ips?.[0], two[1]?.ips?.[0]]
    expect([ip1, ip2]).toEqual([expect.stringMatching(/^10\.60\.1\.1\d$/), expect.stringMatching(/^10\.60\.1\.2\d$/)])
    await cluster.kubectl(['exec', 'talk-1', '--', 'ping', '-c', '2', '-I', 'net1', ip2 ?? ''])
    const neighbours = await cluster.kubectl(['exec', 'talk-1', '--', 'ip', 'neigh', 'show', 'dev', 'net1'])
    expect(neighbours).toContain(two[1]?.mac)
    const table = await cluster.kubectl(['get', 'net-attach-def', 'talk'])
    expect(table).toMatch(/NAME\s+TYPE\s+IPAM\s+READY\s+NODES\s+PODS\s+AGE/)
    expect(table).toMatch(/talk\s+macvlan\s+host-local\s+True\s+2\/2/)

    await removePod(cluster, 'talk-1')
    await removePod(cluster, 'talk-2')
    await nothingLeft(first, before[0])
    await nothingLeft(second, before[1])
  })

  it('says once on the pod what was attached', async () => {
    await apply(
      cluster,
      network({ name: 'said', config: macvlan('said', '10.60.2') }),
      pod({ name: 'said', node: first.name, networks: 'said' }),
    )
    const { uid } = (await podRuns(cluster, 'said')).metadata
    const added = (await events(cluster, 'said', uid)).filter(
      (message) => message.includes('AddedInterface') && message.includes('default/said'),
    )
    expect(added).toEqual([expect.stringMatching(/Add net1 \[10\.60\.2\.\d+\/24\] from default\/said/)])
    await removePod(cluster, 'said')
  })

  it('attaches several networks in order and counts its pods on the NAD', async () => {
    await apply(
      cluster,
      network({ name: 'many-a', config: macvlan('many-a', '10.60.3') }),
      network({ name: 'many-b', config: macvlan('many-b', '10.60.4') }),
    )
    await nodesColumn(cluster, 'many-b', '2/2')
    await apply(cluster, pod({ name: 'many', node: second.name, networks: 'many-a,many-b@extra,many-a' }))
    const status = networkStatus(await podRuns(cluster, 'many'))
    expect(status.slice(1).map((entry) => `${entry.name} ${entry.interface}`)).toEqual([
      'default/many-a net1',
      'default/many-b extra',
      'default/many-a net3',
    ])
    await condition(cluster, 'net-attach-def/many-a', { type: 'Ready', status: 'True' })
    await removePod(cluster, 'many')
  })

  it('a plain pod gets the primary alone, with network-status', async () => {
    await apply(cluster, pod({ name: 'plain', node: first.name }))
    await podRuns(cluster, 'plain')
    const seen = await read(cluster, 'pod', 'plain')
    expect(seen === undefined ? [] : networkStatus(seen).map((entry) => [entry.interface, entry.default])).toEqual([['eth0', true]])
    await removePod(cluster, 'plain')
  })
})
