import type { Cluster } from '#cluster/cluster'
import type { Node } from '#cluster/node/node'
import { apply, eventSeen, networkStatus, nodesColumn, podRuns, removePod } from '../world/kube.ts'
import { footprint, nothingLeft } from '../world/leaks.ts'
import { macvlan, type Manifest, network, pod } from '../world/objects.ts'
import { openWorld } from './world.ts'

/** A macvlan network with an address of each family; `routes` is what its IPAM brings along. */
function dual(name: string, index: number, routes: readonly Manifest[] = []): Manifest {
  const ranges = [
    [{ subnet: `10.62.${index}.0/24`, rangeStart: `10.62.${index}.10` }],
    [{ subnet: `fd62:${index}::/64`, rangeStart: `fd62:${index}::10` }],
  ]
  return { ...macvlan(name, `10.62.${index}`), ipam: { type: 'host-local', ranges, routes } }
}

describe('default-route', () => {
  let cluster: Cluster
  let first: Node

  beforeAll(async () => {
    ;({ cluster, first } = await openWorld())
    const own = [
      { dst: '0.0.0.0/0', gw: '10.62.2.1' },
      { dst: '::/0', gw: 'fd62:2::1' },
    ]
    await apply(cluster, network({ name: 'dr-a', config: dual('dr-a', 1) }), network({ name: 'dr-b', config: dual('dr-b', 2, own) }))
    await nodesColumn(cluster, 'dr-a', '2/2')
    await nodesColumn(cluster, 'dr-b', '2/2')
  })

  afterAll(async () => {
    await cluster.kubectl(['delete', 'net-attach-def', 'dr-a', 'dr-b', '--ignore-not-found'])
  })

  /** `family via gateway dev interface [metric]` of every default route that the kernel has in the pod; eth0's gateway is the node's own affair. */
  const routes = async (name: string): Promise<readonly string[]> => {
    const seen = await Promise.all(
      (['-4', '-6'] as const).map(async (family) => {
        const text = await cluster.kubectl(['exec', name, '--', 'ip', family, 'route', 'show', 'default'])
        return text.split('\n').filter((line) => line.startsWith('default'))
      }),
    )
    return seen.flat().map((line) => {
      const [, gateway = '', device = ''] = /via (\S+) dev (\S+)/.exec(line) ?? []
      const metric = /metric (\d+)/.exec(line)?.[1] ?? '0'
      const unsaid = metric === '0' || metric === '1024'
      return device === 'eth0' ? 'eth0' : `${gateway} ${device}${unsaid ? '' : ` ${metric}`}`
    })
  }

  const runs = async (name: string, networks: string | readonly Manifest[]): Promise<readonly string[]> => {
    const value = typeof networks === 'string' ? networks : JSON.stringify(networks)
    await apply(cluster, pod({ name, node: first.name, networks: value }))
    const seen = await podRuns(cluster, name)
    return networkStatus(seen).map((entry) => `${entry.interface} ${(entry.gateway ?? []).join(' ')}`.trim())
  }

  it.each<[string, string, readonly Manifest[], readonly string[]]>([
    ['v4: takes the place of the v4 default', 'dr-v4', [{ name: 'dr-a', 'default-route': ['10.62.1.254'] }], ['10.62.1.254 net1']],
    ['v6: leaves the v4 default alone', 'dr-v6', [{ name: 'dr-a', 'default-route': ['fd62:1::fe'] }], ['eth0', 'fd62:1::fe net1']],
    [
      'both families over one network',
      'dr-dual',
      [{ name: 'dr-a', 'default-route': ['10.62.1.254', 'fd62:1::fe'] }],
      ['10.62.1.254 net1', 'fd62:1::fe net1'],
    ],
    [
      'v4 over one network leaves the v6 default of another alone',
      'dr-two',
      [{ name: 'dr-a', 'default-route': ['10.62.1.254'] }, { name: 'dr-b' }],
      ['10.62.1.254 net1', 'fd62:2::1 net2'],
    ],
    ['an empty list takes the defaults of its own network only', 'dr-empty', [{ name: 'dr-b', 'default-route': [] }], ['eth0']],
    [
      'with a metric both stay',
      'dr-metric',
      [{ name: 'dr-a', 'default-route': ['10.62.1.254'], 'plexus.dev/default-route-metric': 700 }],
      ['eth0', '10.62.1.254 net1 700'],
    ],
  ])('%s', async (_, name, networks, expected) => {
    await runs(name, networks)
    expect(await routes(name)).toEqual(expected)
    await removePod(cluster, name)
  })

  it('is told by network-status and by the record, and a sibling keeps its route', async () => {
    const [told, sibling] = [
      await runs('dr-told', [{ name: 'dr-a', 'default-route': ['10.62.1.254', 'fd62:1::fe'] }]),
      await runs('dr-sibling', 'dr-a'),
    ]
    expect(told).toEqual(['eth0', 'net1 10.62.1.254 fd62:1::fe'])
    expect(sibling).toEqual([expect.stringMatching(/^eth0 \S+$/), 'net1'])
    expect(await routes('dr-sibling')).toEqual(['eth0'])
    const record = await recordOf(first, 'dr-told')
    expect(record.attachments.map(({ ifName, result }) => [ifName, (result?.routes ?? []).map(({ dst, gw }) => `${dst} ${gw}`)])).toEqual([
      ['eth0', []],
      ['net1', ['0.0.0.0/0 10.62.1.254', '::/0 fd62:1::fe']],
    ])
    await removePod(cluster, 'dr-told')
    await removePod(cluster, 'dr-sibling')
  })

  it.each([
    ['dr-far', ['10.99.9.9'], /default-route 10\.99\.9\.9 over net1: the kernel says ".*gateway.*"; give a gateway in the subnet/],
    ['dr-half', ['10.62.1.254', 'fd99::9'], /default-route .*fd99::9 over net1: the kernel says/],
    ['dr-ecmp', ['10.62.1.253', '10.62.1.254'], /"10\.62\.1\.254" is a second IPv4 gateway beside "10\.62\.1\.253".*keep one/],
  ])('%s does not start, says why, and nothing is left', async (name, gateways, sentence) => {
    const before = await footprint(first)
    await apply(cluster, pod({ name, node: first.name, networks: JSON.stringify([{ name: 'dr-a', 'default-route': gateways }]) }))
    await eventSeen(cluster, name, sentence)
    await removePod(cluster, name)
    await nothingLeft(first, before)
  })
})

interface SeenRecord {
  readonly pod: { readonly name: string }
  readonly attachments: readonly {
    readonly ifName: string
    readonly result?: { readonly routes?: readonly { readonly dst: string; readonly gw?: string }[] }
  }[]
}

/** The record of a pod's sandbox. */
async function recordOf(node: Node, name: string): Promise<SeenRecord> {
  const folder = '/var/lib/plexus/sandboxes'
  const texts = await Promise.all(
    (await node.files.list(folder)).filter((file) => file.endsWith('.json')).map((file) => node.files.read(`${folder}/${file}`)),
  )
  const records: readonly SeenRecord[] = texts.map((text) => JSON.parse(text))
  const found = records.find((record) => record.pod.name === name && record.attachments.length > 0)
  if (found === undefined) throw new Error(`${node.name} has no record of pod ${name}`)
  return found
}
