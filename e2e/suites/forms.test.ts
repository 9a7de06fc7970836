import type { Cluster } from '#cluster/cluster'
import type { Node } from '#cluster/node/node'
import { holds, waitFor } from '#cluster/wait-for'
import { apply, eventSeen, networkStatus, nodesColumn, podRuns, read, removePod } from '../world/kube.ts'
import { macvlan, network, pod } from '../world/objects.ts'
import { startAgents, stopAgents } from '../world/plexus-processes.ts'
import { openWorld } from './world.ts'

const TKE = 'tke.cloud.tencent.com/networks'
const DISK = '/etc/cni/net.d/multus'

/** The ways of asking for networks besides Multus' own annotation, on real nodes. */
describe('a pod asks', () => {
  let cluster: Cluster
  let first: Node
  let profile = ''

  const setProfile = async (spec: object): Promise<void> => {
    await cluster.kubectl(['patch', 'nodenetworkprofile', profile, '--type=merge', '-p', JSON.stringify({ spec })])
  }
  /** The node serves the profile once node.json says so. */
  const nodeFileSays = async (text: string): Promise<void> => {
    await waitFor(
      `node.json says ${text}`,
      async () => {
        const now = (await first.files.read('/var/lib/plexus/node.json')).replaceAll(/\s/g, '')
        return holds(now.includes(text), now)
      },
      { deadline: 60_000 },
    )
  }
  const places = async (name: string, namespace = 'default'): Promise<readonly string[]> => {
    await podRuns(cluster, name, { namespace, deadline: 90_000 })
    return waitFor(
      `network-status of ${name}`,
      async () => {
        const seen = await read(cluster, 'pod', name, namespace)
        const status = seen === undefined ? [] : networkStatus(seen)
        return status.length > 0
          ? { done: true, value: status.map((each) => `${each.name} ${each.interface}`) }
          : { done: false, seen: 'none' }
      },
      { deadline: 30_000 },
    )
  }

  beforeAll(async () => {
    const world = await openWorld()
    cluster = world.cluster
    first = world.first
    profile = (await cluster.kubectl(['get', 'nodenetworkprofiles', '-o', 'jsonpath={.items[0].metadata.name}'])).trim()
    await apply(cluster, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'forms-red', labels: { team: 'red' } } })
    await apply(cluster, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'forms-blue' } })
    await apply(
      cluster,
      network({ name: 'forms', config: macvlan('forms', '10.71.1') }),
      network({ name: 'forms-primary', namespace: 'kube-system', config: macvlan('forms-primary', '10.71.2') }),
      network({ name: 'forms-red', namespace: 'kube-system', config: macvlan('forms-red', '10.71.3') }),
    )
    await nodesColumn(cluster, 'forms', '2/2')
  })

  afterAll(async () => {
    await setProfile({ namespaceDefaults: [], namespaceIsolation: 'Disabled' })
    await cluster.kubectl(['delete', 'namespace', 'forms-red', 'forms-blue', '--wait=false'])
    await first.run(['rm', '-rf', DISK])
  })

  it('as in the TKE fork: a conf of the node becomes eth0, others are eth1 and by name, with its own status annotation', async () => {
    await first.run(['mkdir', '-p', DISK])
    await first.files.write(`${DISK}/forms-disk.conf`, JSON.stringify(macvlan('forms-disk', '10.71.4')))
    const annotations = { [TKE]: '[{"name":"forms-disk"},{"name":"forms"},{"name":"forms","interfaceRequest":"north"}]' }
    await apply(cluster, pod({ name: 'forms-tke', node: first.name, annotations }))
    expect(await places('forms-tke')).toEqual(['forms-disk eth0', 'default/forms eth1', 'default/forms north'])
    const seen = await read(cluster, 'pod', 'forms-tke')
    expect(seen?.status?.podIP).toMatch(/^10\.71\.4\./)
    expect(seen?.metadata.annotations?.['tke.cloud.tencent.com/networks-status']).toBe(
      seen?.metadata.annotations?.['k8s.v1.cni.cncf.io/network-status'],
    )
    const links = await cluster.kubectl(['exec', 'forms-tke', '--', 'ip', '-o', 'link'])
    expect([...links.matchAll(/^\d+: (\w+)/gm)].map(([, name]) => name)).toEqual(['lo', 'eth0', 'eth1', 'north'])
    await removePod(cluster, 'forms-tke')
  })

  it('for another primary', async () => {
    const annotations = { 'v1.multus-cni.io/default-network': 'forms-primary', 'k8s.v1.cni.cncf.io/networks': 'forms@foo,forms' }
    await apply(cluster, pod({ name: 'forms-primary', node: first.name, annotations }))
    expect(await places('forms-primary')).toEqual(['kube-system/forms-primary eth0', 'default/forms foo', 'default/forms net2'])
    await removePod(cluster, 'forms-primary')
  })

  it('for an optional network that is missing, and starts without it', async () => {
    const networks = '[{"name":"forms-gone","plexus.dev/required":false},{"name":"forms"}]'
    await apply(cluster, pod({ name: 'forms-optional', node: first.name, networks }))
    expect((await places('forms-optional')).slice(1)).toEqual(['default/forms net2'])
    await eventSeen(cluster, 'forms-optional', /NetworkIgnored.*forms-gone/)
    await removePod(cluster, 'forms-optional')
  })

  it('by its namespace; none opts out; while the agent is away it waits and a plain pod starts', async () => {
    await setProfile({ namespaceDefaults: [{ selector: { matchLabels: { team: 'red' } }, networks: ['forms-red'] }] })
    await nodeFileSays('"namespacesWithDefaults":["forms-red"]')
    await apply(
      cluster,
      pod({ name: 'forms-default', namespace: 'forms-red', node: first.name }),
      pod({ name: 'forms-none', namespace: 'forms-red', node: first.name, networks: 'none' }),
      pod({ name: 'forms-other', namespace: 'forms-blue', node: first.name }),
    )
    expect((await places('forms-default', 'forms-red')).slice(1)).toEqual(['kube-system/forms-red net1'])
    expect(await places('forms-none', 'forms-red')).toHaveLength(1)
    expect(await places('forms-other', 'forms-blue')).toHaveLength(1)
    await stopAgents(cluster)
    await apply(
      cluster,
      pod({ name: 'forms-waits', namespace: 'forms-red', node: first.name }),
      pod({ name: 'forms-plain', namespace: 'forms-blue', node: first.name }),
    )
    await podRuns(cluster, 'forms-plain', { namespace: 'forms-blue', deadline: 90_000 })
    expect((await read(cluster, 'pod', 'forms-waits', 'forms-red'))?.status?.phase).toBe('Pending')
    await startAgents(cluster)
    expect((await places('forms-waits', 'forms-red')).slice(1)).toEqual(['kube-system/forms-red net1'])
  })

  it('for a network of another namespace, which isolation forbids on every path', async () => {
    await setProfile({ namespaceIsolation: 'Enabled', namespaceDefaults: [], globalNamespaces: ['default'] })
    await nodeFileSays('"namespacesWithDefaults":[]')
    const foreign = 'kube-system/forms-primary'
    const asks: Readonly<Record<string, Record<string, string>>> = {
      'forms-iso-net': { 'k8s.v1.cni.cncf.io/networks': foreign },
      'forms-iso-default': { 'v1.multus-cni.io/default-network': foreign },
      'forms-iso-tke': { [TKE]: foreign },
    }
    for (const [name, annotations] of Object.entries(asks)) {
      await apply(cluster, pod({ name, node: first.name, annotations }))
      await eventSeen(cluster, name, /network kube-system\/forms-primary is in another namespace than the pod \(default\)/)
      await removePod(cluster, name)
    }
  })
})
