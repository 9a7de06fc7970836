// Gives suites the cluster that run.ts started. Decides nothing.
import { resolve } from 'node:path'
import { type Cluster, type ClusterIdentity, openCluster } from '#cluster/cluster'
import type { Node } from '#cluster/node/node'
import { placeOf } from '#cluster/place'

/** The name of the cluster that the suites share. */
export const CLUSTER_NAME = 'test'

export const identity = (): ClusterIdentity => ({
  name: CLUSTER_NAME,
  place: placeOf(process.env, resolve(import.meta.dirname, '../..')),
  environment: process.env,
})

/** The running cluster. Throws when run.ts did not start one. */
export async function openWorld(): Promise<{ readonly cluster: Cluster; readonly first: Node; readonly second: Node }> {
  const cluster = await openCluster(identity())
  if (cluster === undefined)
    throw new Error('the test cluster does not run: use "make test", or "node e2e/suites/run.ts --keep" and run suites against it')
  const [first, second] = cluster.nodes
  if (first === undefined || second === undefined) throw new Error('the suites need two nodes')
  return { cluster, first, second }
}
