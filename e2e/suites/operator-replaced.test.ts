import type { Cluster } from '#cluster/cluster'
import { holds, waitFor } from '#cluster/wait-for'
import { apply, events, nodesColumn } from '../world/kube.ts'
import { macvlan, network } from '../world/objects.ts'
import { NAMESPACE, plexusPodUids } from '../world/plexus.ts'
import { podProcesses } from '../world/processes.ts'
import { openWorld } from './world.ts'

const lease = async (cluster: Cluster): Promise<{ readonly holder: string; readonly transitions: number }> => {
  const text = await cluster.kubectl(['-n', NAMESPACE, 'get', 'lease', '-o', 'json'])
  const list: { readonly items: readonly { readonly spec: { readonly holderIdentity?: string; readonly leaseTransitions?: number } }[] } =
    JSON.parse(text)
  const [first] = list.items
  return { holder: first?.spec.holderIdentity ?? '', transitions: first?.spec.leaseTransitions ?? 0 }
}

describe('operator replicas', () => {
  let cluster: Cluster

  beforeAll(async () => {
    ;({ cluster } = await openWorld())
  })

  it('when all are SIGKILLed a higher epoch serves the nodes again, and no transition is told twice', async () => {
    await apply(cluster, network({ name: 'before-kill', config: macvlan('before-kill', '10.64.1') }))
    await nodesColumn(cluster, 'before-kill', '2/2')
    const before = await lease(cluster)
    const told = await events(cluster, 'before-kill')
    for (const { pid } of podProcesses('operator.mjs', await plexusPodUids(cluster, 'operator'))) process.kill(pid, 'SIGKILL')
    await waitFor(
      'another term of leadership',
      async () => {
        const now = await lease(cluster)
        return holds(now.transitions > before.transitions && now.holder !== '', JSON.stringify(now))
      },
      { deadline: 90_000, every: 500 },
    )
    await apply(cluster, network({ name: 'after-kill', config: macvlan('after-kill', '10.64.2') }))
    await nodesColumn(cluster, 'after-kill', '2/2', 90_000)
    expect(await events(cluster, 'before-kill')).toEqual(told)
  })

  it('writes nothing while nothing changes', async () => {
    const version = async (): Promise<string> =>
      cluster.kubectl(['get', 'net-attach-def', 'after-kill', '-o', 'jsonpath={.metadata.resourceVersion}'])
    await nodesColumn(cluster, 'after-kill', '2/2')
    const first = await version()
    await cluster.kubectl(['annotate', 'node', '--all', `test/touched=${Date.now()}`, '--overwrite']) // Every network is reconciled again.
    await apply(cluster, network({ name: 'other', config: macvlan('other', '10.64.3') }))
    await nodesColumn(cluster, 'other', '2/2')
    expect(await version()).toBe(first)
  })
})
