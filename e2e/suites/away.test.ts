import { setTimeout as pause } from 'node:timers/promises'
import type { Cluster } from '#cluster/cluster'
import type { Node } from '#cluster/node/node'
import { holds, waitFor } from '#cluster/wait-for'
import { apply, condition, networkStatus, nodesColumn, podRuns, read, removePod } from '../world/kube.ts'
import { footprint, nothingLeft } from '../world/leaks.ts'
import { macvlan, network, pod } from '../world/objects.ts'
import { scaleOperator, startAgents, stopAgents } from '../world/plexus-processes.ts'
import { installGate, installPassing } from '../world/test-plugins.ts'
import { openWorld } from './world.ts'

const ready = async (cluster: Cluster, node: Node): Promise<string> =>
  (await read(cluster, 'node', node.name))?.status?.conditions?.find((entry) => entry.type === 'Ready')?.status ?? 'absent'

describe('when a part is away', () => {
  let cluster: Cluster
  let first: Node
  let second: Node

  beforeAll(async () => {
    ;({ cluster, first, second } = await openWorld())
    await apply(cluster, network({ name: 'away', config: macvlan('away', '10.62.1') }))
    await nodesColumn(cluster, 'away', '2/2')
  })

  it('operator stopped: pods with networks still start, and the status catches up', async () => {
    await scaleOperator(cluster, 0)
    await apply(cluster, pod({ name: 'no-operator', node: first.name, networks: 'away' }))
    await podRuns(cluster, 'no-operator')
    await removePod(cluster, 'no-operator')
    await scaleOperator(cluster, 2)
    await apply(cluster, network({ name: 'afterwards', config: macvlan('afterwards', '10.62.2') }))
    await nodesColumn(cluster, 'afterwards', '2/2', 90_000)
  })

  it('API server stopped during ADD: the sandbox is not lost, the status is written later', async () => {
    const before = await footprint(first)
    const gate = await installGate(first, 'api')
    await installPassing(second, gate.type)
    const config = { cniVersion: '1.0.0', name: 'gated', plugins: [macvlan('gated', '10.62.3'), { type: gate.type }] }
    await apply(cluster, network({ name: 'gated', config }))
    await nodesColumn(cluster, 'gated', '2/2', 90_000)
    await apply(cluster, pod({ name: 'no-api', node: first.name, networks: 'gated' }))
    await gate.reached()
    await cluster.controlPlane.apiserver.stop()
    await gate.open()
    await waitFor(
      'the record says attached',
      async () => {
        const records = await Promise.all(
          (await first.files.list('/var/lib/plexus/sandboxes')).map((name) =>
            first.files.read(`/var/lib/plexus/sandboxes/${name}`).catch(() => ''),
          ),
        )
        return holds(
          records.some((text) => text.includes('"no-api"') && text.includes('"attached"')),
          `${records.length} records`,
        )
      },
      { deadline: 60_000 },
    )
    await cluster.controlPlane.apiserver.start()
    const seen = await podRuns(cluster, 'no-api', { deadline: 120_000 })
    await waitFor(
      'network-status is written',
      async () => {
        const later = await read(cluster, 'pod', 'no-api')
        return holds(later !== undefined && networkStatus(later).length === 2, seen.metadata.name)
      },
      { deadline: 120_000 },
    )
    await removePod(cluster, 'no-api')
    await nothingLeft(first, before)
  })

  it('agents away for 5 minutes: plain pods start, nodes stay Ready, pods with networks wait and start when they are back', async () => {
    const before = await footprint(first)
    await apply(cluster, pod({ name: 'held', node: first.name, networks: 'away' }))
    await podRuns(cluster, 'held')
    await stopAgents(cluster)
    await apply(cluster, pod({ name: 'plain-now', node: first.name }), pod({ name: 'waits', node: first.name, networks: 'away' }))
    await podRuns(cluster, 'plain-now', { deadline: 90_000 })
    await removePod(cluster, 'held') // Its DEL is executed by the shim from the record and spooled.
    const states = new Set<string>()
    for (const until = performance.now() + 300_000; performance.now() < until; await pause(5_000)) states.add(await ready(cluster, first))
    expect([...states]).toEqual(['True'])
    expect((await read(cluster, 'pod', 'waits'))?.status?.phase).toBe('Pending')
    await removePod(cluster, 'plain-now')
    await startAgents(cluster)
    await podRuns(cluster, 'waits', { deadline: 180_000 })
    await removePod(cluster, 'waits')
    await nothingLeft(first, before)
    await condition(cluster, 'net-attach-def/away', { type: 'Ready', status: 'True' }, 120_000)
  })
})
