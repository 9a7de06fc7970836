import type { Cluster } from '#cluster/cluster'
import type { Node } from '#cluster/node/node'
import { holds, waitFor } from '#cluster/wait-for'
import { apply, events, networkStatus, nodesColumn, podRuns, read, removePod } from '../world/kube.ts'
import { footprint, nothingLeft } from '../world/leaks.ts'
import { macvlan, network, pod } from '../world/objects.ts'
import { freezeAgent, killAgent, renewAgent } from '../world/plexus-processes.ts'
import { plexusReady } from '../world/plexus.ts'
import { installGate, installPassing } from '../world/test-plugins.ts'
import { openWorld } from './world.ts'

const STATE = '/var/lib/plexus'

describe('hostile conditions on a node', () => {
  let cluster: Cluster
  let first: Node
  let second: Node

  beforeAll(async () => {
    ;({ cluster, first, second } = await openWorld())
    await apply(cluster, network({ name: 'churn', config: macvlan('churn', '10.70.1') }))
    await nodesColumn(cluster, 'churn', '2/2')
  })

  it('an agent that stands still during the commit: the late commit is not applied', async () => {
    const gate = await installGate(first, 'frozen')
    await installPassing(second, gate.type)
    const config = { cniVersion: '1.0.0', name: 'frozen', plugins: [macvlan('frozen', '10.70.2'), { type: gate.type }] }
    await apply(cluster, network({ name: 'frozen', config }))
    await nodesColumn(cluster, 'frozen', '2/2', 90_000)
    const before = await footprint(first)
    await apply(cluster, pod({ name: 'frozen', node: first.name, networks: 'frozen' }))
    await gate.reached()
    const thaw = await freezeAgent(cluster, first)
    try {
      await gate.open()
      await waitFor(
        'the shim has rolled back and left it in the spool',
        async () => {
          const { spool } = await footprint(first)
          return holds(spool.length > before.spool.length, `${spool.length} entries`)
        },
        { deadline: 60_000 },
      )
    } finally {
      thaw()
    }
    const { uid } = (await podRuns(cluster, 'frozen', { deadline: 120_000 })).metadata
    const added = (await events(cluster, 'frozen', uid)).filter((event) => event.includes('AddedInterface'))
    const seen = await read(cluster, 'pod', 'frozen')
    const [, net1] = seen === undefined ? [] : networkStatus(seen)
    expect(added).toEqual([expect.stringContaining(net1?.ips?.[0] ?? 'an address')])
    await removePod(cluster, 'frozen')
    await nothingLeft(first, before, 90_000)
  })

  it('garbage among the records and in the spool: the agent starts, takes what is whole and sets the rest aside', async () => {
    const before = await footprint(first)
    const made = [
      `mkdir ${STATE}/sandboxes/churn-directory.json ${STATE}/spool/churn-directory.json`,
      `mkfifo ${STATE}/sandboxes/churn-pipe.json ${STATE}/spool/churn-pipe.json`,
      `ln -s churn-loop.json ${STATE}/sandboxes/churn-loop.json`,
      `echo '{' > ${STATE}/sandboxes/churn-half.json`,
    ]
    await first.run(['sh', '-ec', made.join('\n')])
    try {
      await killAgent(cluster, first)
      await renewAgent(cluster, first)
      await plexusReady(cluster)
      await apply(cluster, pod({ name: 'garbage', node: first.name, networks: 'churn' }))
      await podRuns(cluster, 'garbage')
      await removePod(cluster, 'garbage')
      await waitFor(
        'nothing of it has the name of a record',
        async () => {
          const names = (await Promise.all(['sandboxes', 'spool'].map((folder) => first.files.list(`${STATE}/${folder}`)))).flat()
          const left = names.filter((name) => name.startsWith('churn-') && !name.endsWith('.corrupt'))
          return holds(left.length === 0, left.join(' '))
        },
        { deadline: 90_000 },
      )
      await nothingLeft(first, before)
    } finally {
      await first.run(['sh', '-c', `rm -rf ${STATE}/sandboxes/churn-* ${STATE}/spool/churn-*`])
    }
  })
})
