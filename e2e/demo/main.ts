// Decides what `make demo` does and shows: cluster, image, chart, samples, and the proof that two pods talk over their second interface.
import { execFileSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { type Cluster, endCluster, openCluster, startCluster } from '#cluster/cluster'
import { testImage } from '#cluster/images/images'
import { placeOf } from '#cluster/place'
import { preflight } from '#cluster/preflight'
import { networkStatus, nodesColumn, podRuns } from '../world/kube.ts'
import { installPlexus } from '../world/plexus.ts'

const checkout = resolve(import.meta.dirname, '../..')
const place = placeOf(process.env, checkout)
const identity = { name: 'demo', place, environment: process.env }
const NETWORK = 'lan'
const PODS = ['left', 'right'] as const

const STEPS = 6
let step = 0
const started = performance.now()

/** Says which step begins and how long the demo has run. */
function announce(what: string): void {
  step += 1
  console.log(`\n[${step}/${STEPS}] ${what} (${Math.round((performance.now() - started) / 1000)} s)`)
}

const progress = (line: string): void => console.log(`      ${line}`)

async function runningCluster(): Promise<Cluster> {
  const running = await openCluster(identity)
  if (
    running !== undefined &&
    (await running.kubectl(['get', '--raw', '/readyz']).then(
      (text) => text === 'ok',
      () => false,
    ))
  )
    return running
  return startCluster({ ...identity, nodes: 2, progress })
}

/** Prints a command as a user would type it, then what it says. */
async function show(cluster: Cluster, words: readonly string[]): Promise<string> {
  console.log(`\n$ kubectl ${words.join(' ')}`)
  const text = await cluster.kubectl(words)
  process.stdout.write(text)
  return text
}

/** The demo fails unless the addresses differ, the peer answers, its MAC is in the neighbour table and both nodes serve the network. */
async function prove(cluster: Cluster): Promise<void> {
  await nodesColumn(cluster, NETWORK, '2/2')
  const [left, right] = [networkStatus(await podRuns(cluster, PODS[0])), networkStatus(await podRuns(cluster, PODS[1]))]
  const net1 = (status: typeof left): { readonly ip: string; readonly mac: string } => {
    const found = status.find((entry) => entry.interface === 'net1')
    if (found?.ips?.[0] === undefined || found.mac === undefined) throw new Error(`no net1 with an address in ${JSON.stringify(status)}`)
    return { ip: found.ips[0], mac: found.mac }
  }
  const [a, b] = [net1(left), net1(right)]
  if (a.ip === b.ip) throw new Error(`both pods have ${a.ip} on net1`)
  await show(cluster, ['get', 'net-attach-def'])
  await show(cluster, ['get', 'pods', '-o', 'wide'])
  for (const name of PODS) await show(cluster, ['exec', name, '--', 'ip', '-brief', 'address'])
  await show(cluster, ['exec', PODS[0], '--', 'ping', '-c', '3', '-I', 'net1', b.ip])
  const neighbours = await show(cluster, ['exec', PODS[0], '--', 'ip', 'neigh', 'show', 'dev', 'net1'])
  if (!neighbours.includes(b.mac))
    throw new Error(`the neighbour table of ${PODS[0]} does not hold ${b.mac}: the ping did not go over net1`)
}

async function up(): Promise<void> {
  announce('checking this machine')
  await preflight({ environment: process.env, progress })
  announce('building Plexus')
  execFileSync(process.execPath, [join(checkout, 'hack/build.ts')], { stdio: 'inherit', cwd: checkout })
  announce('starting a two-node Kubernetes')
  const cluster = await runningCluster()
  await cluster.importImage((await testImage({ place, progress })).tarball)
  announce('installing Plexus')
  await installPlexus(cluster, { place, progress })
  announce('applying config/samples: a macvlan network and two pods')
  await cluster.kubectl(['apply', '-f', join(checkout, 'config/samples')])
  announce('looking')
  await prove(cluster)
  console.log(`\nThe demo works (${Math.round((performance.now() - started) / 1000)} s). The cluster keeps running; look around with`)
  console.log(`  export KUBECONFIG=${cluster.kubeconfig}`)
  console.log('and stop everything with "make demo-down".')
}

async function down(): Promise<void> {
  await endCluster(identity)
  console.log('the demo cluster is gone')
}

const command = process.argv[2] ?? 'up'
if (command === 'down') await down()
else if (command === 'up') await up()
else throw new Error(`"${command}" is not a command of the demo: use up or down`)
