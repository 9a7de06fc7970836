import type { Cluster } from '#cluster/cluster'
import type { Node } from '#cluster/node/node'
import { holds, waitFor } from '#cluster/wait-for'
import { apply, networkStatus, nodesColumn, podRuns, removePod } from '../world/kube.ts'
import { macvlan, type Manifest, network, pod } from '../world/objects.ts'
import { NAMESPACE, plexusPodUids, plexusReady } from '../world/plexus.ts'
import { podProcesses } from '../world/processes.ts'
import { openWorld } from './world.ts'

/** busybox' server on the segment. Leases are short, so that renewals are seen. */
const UDHCPD = `interface net1
start 10.63.1.100
end 10.63.1.150
max_leases 50
lease_file /tmp/udhcpd.leases
option subnet 255.255.255.0
option router 10.63.1.1
option lease 60
`
const SERVE = `mkdir -p /tmp && touch /tmp/udhcpd.leases && printf '%s' "$CONF" > /tmp/udhcpd.conf && exec udhcpd -f -I 10.63.1.2 /tmp/udhcpd.conf`

/** A pod whose container is the DHCP server. */
function server(node: Node): Manifest {
  const plain = pod({ name: 'dhcp-server', node: node.name, networks: 'dhcp-static' })
  const spec: object = Object(plain['spec'])
  const image = 'localhost/plexus-test:1'
  const env = [{ name: 'CONF', value: UDHCPD }]
  return { ...plain, spec: { ...spec, containers: [{ name: 'main', image, imagePullPolicy: 'Never', command: ['sh', '-c', SERVE], env }] } }
}

describe('a network with ipam dhcp', () => {
  let cluster: Cluster
  let first: Node
  let second: Node

  beforeAll(async () => {
    ;({ cluster, first, second } = await openWorld())
    const { ipam: _, ...lan } = macvlan('dhcp-lan', '10.63.1')
    await apply(
      cluster,
      network({ name: 'dhcp-static', config: macvlan('dhcp-static', '10.63.1', '2-2') }),
      network({ name: 'dhcp-lan', config: { ...lan, ipam: { type: 'dhcp' } } }),
    )
    await nodesColumn(cluster, 'dhcp-lan', '2/2')
    await removePod(cluster, 'dhcp-server')
    await apply(cluster, server(second))
    await podRuns(cluster, 'dhcp-server')
  })

  afterAll(async () => {
    await removePod(cluster, 'dhcp-client')
    await removePod(cluster, 'dhcp-server')
    await cluster.kubectl(['delete', 'net-attach-def', 'dhcp-static', 'dhcp-lan', '--ignore-not-found'])
  })

  const daemons = async (node: Node): Promise<readonly number[]> =>
    podProcesses('dhcp daemon', await plexusPodUids(cluster, 'node-agent', node.name)).map(({ pid }) => pid)
  /** How often the server has confirmed a lease of the address. */
  const confirmed = async (ip: string): Promise<number> =>
    (await cluster.kubectl(['logs', 'dhcp-server'])).split('\n').filter((line) => /ACK/i.test(line) && line.includes(ip)).length
  const confirmedAgain = async (ip: string, before: number, deadline: number): Promise<void> => {
    const look = async () => {
      const now = await confirmed(ip)
      return holds(now > before, `${now} confirmations`)
    }
    await waitFor(`the server confirms ${ip} again`, look, { deadline, every: 1000 })
  }

  it('starts the daemon on the node of its first pod only, and the pod has the address of the server', async () => {
    await apply(cluster, pod({ name: 'dhcp-client', node: first.name, networks: 'dhcp-lan' }))
    const [, net1] = networkStatus(await podRuns(cluster, 'dhcp-client'))
    expect(net1).toMatchObject({ name: 'default/dhcp-lan', interface: 'net1', ips: [expect.stringMatching(/^10\.63\.1\.1[0-5]\d$/)] })
    const seen = await cluster.kubectl(['exec', 'dhcp-client', '--', 'ip', '-4', 'address', 'show', 'net1'])
    expect(seen).toContain(`inet ${net1?.ips?.[0]}/24`)
    await cluster.kubectl(['exec', 'dhcp-client', '--', 'ping', '-c', '1', '-I', 'net1', '10.63.1.2'])
    expect([(await daemons(first)).length, (await daemons(second)).length]).toEqual([1, 0])
  })

  const clientAddress = async (): Promise<string> => networkStatus(await podRuns(cluster, 'dhcp-client'))[1]?.ips?.[0] ?? ''

  it('starts the daemon again when it is killed, and the lease goes on', async () => {
    const ip = await clientAddress()
    const [killed = 0] = await daemons(first)
    const before = await confirmed(ip)
    process.kill(killed, 'SIGKILL')
    await confirmedAgain(ip, before, 60_000)
    const running = await daemons(first)
    expect([running.length, running.includes(killed)]).toEqual([1, false])
  })

  it('takes the lease up again in a new agent, and the pod keeps its address', async () => {
    const ip = await clientAddress()
    const before = await confirmed(ip)
    const [uid = ''] = await plexusPodUids(cluster, 'node-agent', first.name)
    const words = ['-n', NAMESPACE, 'delete', 'pod', '-l', 'app.kubernetes.io/component=node-agent']
    await cluster.kubectl([...words, '--field-selector', `spec.nodeName=${first.name}`, '--wait=true'], { deadline: 60_000 })
    await plexusReady(cluster)
    expect(await plexusPodUids(cluster, 'node-agent', first.name)).not.toContain(uid)
    await confirmedAgain(ip, before, 90_000)
    const seen = await cluster.kubectl(['exec', 'dhcp-client', '--', 'ip', '-4', 'address', 'show', 'net1'])
    expect(seen).toContain(`inet ${ip}/24`)
  })

  it('ends the daemon some time after its last pod', async () => {
    await removePod(cluster, 'dhcp-client')
    const gone = async () => {
      const left = await daemons(first)
      return holds(left.length === 0, left.join())
    }
    await waitFor(`${first.name} has no DHCP daemon any more`, gone, { deadline: 180_000, every: 1000 })
  })
})
