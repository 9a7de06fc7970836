// Decides how the cluster suites run: one cluster for all, logs on failure, nothing left running. `--keep` leaves the cluster for another run.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Cluster, endCluster, openCluster, startCluster } from '#cluster/cluster'
import { testImage } from '#cluster/images/images'
import { preflight } from '#cluster/preflight'
import { apply, podRuns } from '../world/kube.ts'
import { pod } from '../world/objects.ts'
import { installPlexus, NAMESPACE, plexusReady } from '../world/plexus.ts'
import { identity } from './world.ts'

const progress = (line: string): void => console.error(`  ${line}`)
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { keep: { type: 'boolean', default: false }, reuse: { type: 'boolean', default: false } },
})
const { place } = identity()

/** Room for the herd of 110 besides what runs on a node anyway. */
const MAX_PODS = 150

/** A pod that was attached before Plexus came: `older-than-plexus.test.ts` deletes it. */
async function start(): Promise<void> {
  await preflight({ environment: process.env, progress })
  const cluster = await startCluster({ ...identity(), nodes: 2, maxPods: MAX_PODS, audit: true, progress })
  await cluster.importImage((await testImage({ place, progress })).tarball)
  const node = cluster.nodes[0]?.name ?? ''
  await apply(cluster, pod({ name: 'older-than-plexus', node }))
  await podRuns(cluster, 'older-than-plexus')
  await installPlexus(cluster, { place, progress })
}

/** The image of a new build has the tag of the one before: pods must be told to start from it. */
async function renewPlexus(cluster: Cluster): Promise<void> {
  await installPlexus(cluster, { place, progress })
  for (const what of ['deployment/plexus-operator', 'daemonset/plexus-node-agent']) {
    await cluster.kubectl(['-n', NAMESPACE, 'rollout', 'restart', what])
  }
  await plexusReady(cluster)
}

function jest(): number {
  const words = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    '--selectProjects',
    'cluster',
    '--runInBand',
    '--forceExit',
    '--testTimeout=900000', // Waits inside have deadlines of their own, with better messages.
    ...positionals,
  ]
  return spawnSync(process.execPath, words, { stdio: 'inherit', cwd: place.checkout }).status ?? 1
}

let code = 1
try {
  const running = values.reuse ? await openCluster(identity()) : undefined
  if (running === undefined) await start()
  else await renewPlexus(running)
  code = jest()
} finally {
  if (code !== 0) {
    const folder = join(place.cache, 'logs', 'test')
    const cluster = await openCluster(identity())
    await cluster?.collectLogs(folder)
    progress(`logs are in ${folder}`)
  }
  if (!values.keep && !values.reuse) await endCluster(identity())
}
process.exitCode = code
