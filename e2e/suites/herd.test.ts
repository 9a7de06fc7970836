import type { Cluster } from '#cluster/cluster'
import type { Node } from '#cluster/node/node'
import { holds, waitFor } from '#cluster/wait-for'
import { apply, isReady, networkStatus, nodesColumn, read, type Seen } from '../world/kube.ts'
import { footprint, nothingLeft } from '../world/leaks.ts'
import { macvlan, network, pod } from '../world/objects.ts'
import { NAMESPACE, plexusPodUids } from '../world/plexus.ts'
import { podProcesses } from '../world/processes.ts'
import { openWorld } from './world.ts'

const HERD = 110
/** The most that an agent may hold while they come and go. */
const MOST_MIB = 150

describe(`a herd: ${HERD} pods with a network at once on one node`, () => {
  let cluster: Cluster
  let first: Node

  beforeAll(async () => {
    ;({ cluster, first } = await openWorld())
    await cluster.kubectl(['create', 'namespace', 'herd'])
    await apply(cluster, network({ name: 'herd', config: macvlan('herd', '10.68.1') }))
    await nodesColumn(cluster, 'herd', '2/2')
  })
  afterAll(() => cluster.kubectl(['delete', 'namespace', 'herd', '--wait=true'], { deadline: 600_000 }))

  const list = async (): Promise<readonly Seen[]> => {
    const text = await cluster.kubectl(['-n', 'herd', 'get', 'pods', '-o', 'json'])
    const pods: { readonly items: readonly Seen[] } = JSON.parse(text)
    return pods.items
  }
  const restarts = async (): Promise<string> => {
    const words = ['-l', 'app.kubernetes.io/component=node-agent', '--field-selector', `spec.nodeName=${first.name}`]
    const path = 'jsonpath={.items[*].metadata.uid} {.items[*].status.containerStatuses[*].restartCount}'
    return cluster.kubectl(['-n', NAMESPACE, 'get', 'pods', ...words, '-o', path])
  }

  it('all start, each with an address of its own; the agent neither grows nor restarts, and nothing is left over', async () => {
    const before = await footprint(first)
    const restartsBefore = await restarts()
    const agents = await plexusPodUids(cluster, 'node-agent', first.name)
    let mostMib = 0
    const measure = (): void => {
      mostMib = Math.max(mostMib, ...podProcesses('node-agent.mjs', agents).map(({ mib }) => mib))
    }
    const names = Array.from({ length: HERD }, (_, index) => `herd-${index}`)
    await apply(cluster, ...names.map((name) => pod({ name, namespace: 'herd', node: first.name, networks: 'default/herd' })))
    await waitFor(
      `${HERD} pods run`,
      async () => {
        measure()
        const running = (await list()).filter(isReady).length
        return holds(running === HERD, `${running} run`)
      },
      { deadline: 600_000, every: 1000 },
    )
    const addresses = (await list()).map((seen) => networkStatus(seen)[1]?.ips?.[0])
    expect(new Set(addresses.filter((address) => address !== undefined)).size).toBe(HERD)
    await cluster.kubectl(['-n', 'herd', 'delete', 'pods', '--all', '--wait=false'])
    await waitFor(
      'all are gone',
      async () => {
        measure()
        const left = (await list()).length
        return holds(left === 0, `${left} pods`)
      },
      { deadline: 600_000, every: 1000 },
    )
    await nothingLeft(first, before, 120_000)
    expect(await restarts()).toBe(restartsBefore)
    console.info(`the agent held at most ${mostMib} MiB`)
    expect(mostMib).toBeLessThanOrEqual(MOST_MIB)
    expect(await read(cluster, 'pod', 'herd-0', 'herd')).toBeUndefined()
  })
})
