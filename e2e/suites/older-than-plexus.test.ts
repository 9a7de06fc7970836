import type { Cluster } from '#cluster/cluster'
import type { Node } from '#cluster/node/node'
import { holds, waitFor } from '#cluster/wait-for'
import { read, removePod } from '../world/kube.ts'
import { openWorld } from './world.ts'

const PRIMARY = '/var/lib/cni/networks'

describe('a pod that was attached before Plexus was installed', () => {
  let cluster: Cluster
  let first: Node

  beforeAll(async () => {
    ;({ cluster, first } = await openWorld())
  })

  it('frees the address of the primary when it is deleted', async () => {
    const address = (await read(cluster, 'pod', 'older-than-plexus'))?.status?.podIP ?? ''
    if (address === '') return expect(await read(cluster, 'pod', 'older-than-plexus')).toBeUndefined() // Deleted by an earlier run on the same cluster.
    const holders = async (): Promise<readonly string[]> => {
      const networks = await first.files.list(PRIMARY)
      const files = await Promise.all(
        networks.map(async (network) => (await first.files.list(`${PRIMARY}/${network}`)).map((file) => `${network}/${file}`)),
      )
      return files.flat().filter((file) => file.endsWith(`/${address}`))
    }
    expect(await holders()).toHaveLength(1)
    await removePod(cluster, 'older-than-plexus')
    await waitFor(
      'the address is free',
      async () => {
        const held = await holders()
        return holds(held.length === 0, held.join(' '))
      },
      { deadline: 60_000 },
    )
  })
})
