import type { Cluster } from '#cluster/cluster'
import type { Node } from '#cluster/node/node'
import { apply, nodesColumn, podRuns, removePod } from '../world/kube.ts'
import { type Footprint, footprint, nothingLeft } from '../world/leaks.ts'
import { macvlan, network, pod } from '../world/objects.ts'
import { killAgent, renewAgent } from '../world/plexus-processes.ts'
import { proxySocket } from '../world/socket-proxy.ts'
import { installGate, installPassing } from '../world/test-plugins.ts'
import { openWorld } from './world.ts'

describe('agent SIGKILLed during an ADD: the pod starts later and nothing is left over', () => {
  let cluster: Cluster
  let first: Node
  let second: Node
  let before: Footprint

  beforeAll(async () => {
    ;({ cluster, first, second } = await openWorld())
    await apply(cluster, network({ name: 'killed', config: macvlan('killed', '10.63.1') }))
    await nodesColumn(cluster, 'killed', '2/2')
  })

  beforeEach(async () => {
    await renewAgent(cluster, first) // No restart back-off from the test before.
    before = await footprint(first)
  })

  it.each([
    ['before the plan', '/v1/plan', 'before'],
    ['after the plan, before the shim hears of it', '/v1/plan', 'after'],
    ['before the commit', '/v1/commit', 'before'],
    ['after the commit, before the shim hears of it', '/v1/commit', 'after'],
  ] as const)('%s', async (_, path, moment) => {
    const name = `killed-${path.slice(4)}-${moment}`
    const proxy = await proxySocket(first, { path, moment, act: () => killAgent(cluster, first) })
    await apply(cluster, pod({ name, node: first.name, networks: 'killed' }))
    await proxy.fired()
    await proxy.close()
    await podRuns(cluster, name, { deadline: 120_000 })
    await removePod(cluster, name)
    await nothingLeft(first, before, 90_000)
  })

  it('between two delegates', async () => {
    const gate = await installGate(first, 'killed')
    await installPassing(second, gate.type)
    const config = { cniVersion: '1.0.0', name: 'between', plugins: [macvlan('between', '10.63.2'), { type: gate.type }] }
    await apply(cluster, network({ name: 'between', config }))
    await nodesColumn(cluster, 'between', '2/2', 90_000)
    await apply(cluster, pod({ name: 'between', node: first.name, networks: 'between' }))
    await gate.reached()
    await killAgent(cluster, first)
    await gate.open()
    await podRuns(cluster, 'between', { deadline: 120_000 })
    await removePod(cluster, 'between')
    await nothingLeft(first, before, 90_000)
  })
})
