// Runs the bench: a cluster of its own, the floor and Plexus in turn on one node, then memory and API requests. Prints a table and writes JSON.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { type Cluster, endCluster, startCluster } from '#cluster/cluster'
import { testImage } from '#cluster/images/images'
import { type Node } from '#cluster/node/node'
import { placeOf } from '#cluster/place'
import { preflight } from '#cluster/preflight'
import { apply, nodesColumn, podRuns } from '../world/kube.ts'
import { macvlan, type Manifest, network, pod } from '../world/objects.ts'
import { installPlexus, NAMESPACE, plexusPodUids } from '../world/plexus.ts'
import { cpuOf, podProcesses } from '../world/processes.ts'
import { type Row, row, type Side, table } from './figures.ts'
import type { FloorAttachment, Job, JobResult, Sandbox } from './job.ts'

const checkout = resolve(import.meta.dirname, '../..')
const place = placeOf(process.env, checkout)
const progress = (line: string): void => console.error(line)
const identity = { name: 'bench', place, environment: process.env }
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? '3')
const PER_ROUND: Readonly<Record<number, number>> = { 1: 30, 20: 100 }
const networkNames = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `bench-${index + 1}`)

interface World {
  readonly cluster: Cluster
  readonly node: Node
  readonly scratch: string
  /** What is measured → part → ms of CPU per sandbox, one figure a round. */
  readonly cpuPerAdd: Record<string, Record<string, number[]>>
}

let serial = 0

/** Pods bound to the node while its kubelet is stopped: only the driver attaches them. */
async function makeSandboxes(world: World, count: number, networks: string): Promise<readonly Sandbox[]> {
  const names = Array.from({ length: count }, () => `bench-${++serial}`)
  await apply(world.cluster, ...names.map((name) => pod({ name, node: world.node.name, networks })))
  const text = await world.cluster.kubectl(['get', 'pods', '-o', 'json', ...names])
  const list: {
    readonly items?: readonly { readonly metadata: { readonly name: string; readonly uid: string } }[]
    readonly metadata: { readonly name: string; readonly uid: string }
  } = JSON.parse(text)
  const items = list.items ?? [list]
  return items.map((item) => ({
    containerId: `bench${item.metadata.uid.replaceAll('-', '')}`,
    namespace: 'default',
    name: item.metadata.name,
    uid: item.metadata.uid,
  }))
}

async function removePods(world: World, sandboxes: readonly Sandbox[]): Promise<void> {
  await world.cluster.kubectl(['delete', 'pods', '--force', '--grace-period=0', '--wait=false', ...sandboxes.map((one) => one.name)])
}

/** What the agent would hand to the shim, executed directly: the primary of node.json and the NADs as they are. */
async function floorOf(world: World, networks: number): Promise<readonly FloorAttachment[]> {
  const nodeFile: { readonly primary: { readonly plugins: readonly Manifest[] } } = JSON.parse(
    await world.node.files.read('/var/lib/plexus/node.json'),
  )
  const secondary = networkNames(networks).map((name, index) => ({
    ifName: `net${index + 1}`,
    plugins: [macvlan(name, `10.70.${index + 1}`)],
  }))
  return [{ ifName: 'eth0', plugins: nodeFile.primary.plugins }, ...secondary]
}

async function runJob(world: World, job: Job): Promise<JobResult> {
  const file = join(world.scratch, 'job.json')
  writeFileSync(file, JSON.stringify(job))
  const text = await world.node.run([process.execPath, join(checkout, 'e2e/bench/driver.ts'), file], { deadline: 600_000 })
  const result: JobResult = JSON.parse(text)
  if (result.errors.length > 0)
    throw new Error(`${job.mode}: ${result.errors.length} of ${job.sandboxes.length} failed, first: ${result.errors[0]}`)
  return result
}

async function jobFor(
  world: World,
  mode: Job['mode'],
  options: { readonly networks: number; readonly concurrency: number; readonly count: number; readonly keep?: boolean },
): Promise<Job> {
  const names = networkNames(options.networks).join(',')
  const sandboxes = await makeSandboxes(world, options.count, names)
  return {
    mode,
    concurrency: options.concurrency,
    sandboxes,
    binDir: '/opt/cni/bin',
    confFile: '/etc/cni/net.d/00-plexus.conflist',
    annotations: { 'k8s.v1.cni.cncf.io/networks': names },
    floor: await floorOf(world, options.networks),
    api: { server: world.cluster.api.url, token: world.cluster.api.token, caFile: join(world.scratch, 'ca.crt') },
    keep: options.keep ?? false,
  }
}

/** CPU time in ms that each part has used so far: who pays for an ADD on a machine without idle processors. */
async function cpuNow(world: World): Promise<Readonly<Record<string, number>>> {
  const { apiserver, etcd } = world.cluster.controlPlane
  const sum = (all: readonly { readonly cpuMs: number }[]): number => all.reduce((ms, one) => ms + one.cpuMs, 0)
  return {
    agent: sum(podProcesses('node-agent.mjs', await plexusPodUids(world.cluster, 'node-agent', world.node.name))),
    operator: sum(podProcesses('operator.mjs', await plexusPodUids(world.cluster, 'operator'))),
    apiserver: cpuOf(apiserver.pid() ?? 0) ?? Number.NaN,
    etcd: cpuOf(etcd.pid() ?? 0) ?? Number.NaN,
  }
}

async function noteCpu(world: World, what: string, before: Readonly<Record<string, number>>, count: number): Promise<void> {
  const after = await cpuNow(world)
  for (const [part, ms] of Object.entries(after)) {
    const parts = (world.cpuPerAdd[what] ??= {})
    ;(parts[part] ??= []).push(Math.round(((ms - (before[part] ?? 0)) / count) * 10) / 10)
  }
}

/** Floor and Plexus in turn, so that drift of the machine hits both. */
async function measure(world: World, networks: number, concurrency: number): Promise<Row> {
  const sides: Record<Job['mode'], { add: number[]; del: number[]; status: number[]; rates: number[] }> = {
    floor: { add: [], del: [], status: [], rates: [] },
    plexus: { add: [], del: [], status: [], rates: [] },
  }
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const mode of ['floor', 'plexus'] as const) {
      progress(`${networks} network(s), ${concurrency} at a time, round ${round}/${ROUNDS}: ${mode}`)
      const job = await jobFor(world, mode, { networks, concurrency, count: PER_ROUND[concurrency] ?? 30 })
      const cpuBefore = await cpuNow(world)
      const result = await runJob(world, job)
      await noteCpu(world, `${networks}x${concurrency} ${mode}`, cpuBefore, job.sandboxes.length)
      const side = sides[mode]
      side.add.push(...result.add)
      side.del.push(...result.del)
      side.status.push(...result.status)
      side.rates.push((job.sandboxes.length * 1000) / result.wallAddMs)
      await removePods(world, job.sandboxes)
    }
  }
  return row({ networks, concurrency }, sides.floor satisfies Side, sides.plexus satisfies Side)
}

/** API requests by the agents' account in the audit log, by verb and resource. */
function agentRequests(cluster: Cluster): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const line of readFileSync(cluster.auditLog ?? '', 'utf8').split('\n')) {
    if (!line.includes(`system:serviceaccount:${NAMESPACE}:plexus-node-agent`)) continue
    const event: {
      readonly stage: string
      readonly verb: string
      readonly objectRef?: { readonly resource?: string; readonly subresource?: string }
    } = JSON.parse(line)
    if (event.stage !== 'ResponseComplete') continue
    const key = `${event.verb} ${event.objectRef?.resource ?? '?'}${event.objectRef?.subresource === undefined ? '' : `/${event.objectRef.subresource}`}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

async function requestsPerAdd(world: World): Promise<Readonly<Record<string, number>>> {
  const count = 50
  const before = agentRequests(world.cluster)
  const job = await jobFor(world, 'plexus', { networks: 1, concurrency: 1, count })
  await runJob(world, job)
  const after = agentRequests(world.cluster)
  await removePods(world, job.sandboxes)
  return Object.fromEntries(
    [...after]
      .map(([key, value]) => [key, Math.round(((value - (before.get(key) ?? 0)) / count) * 100) / 100] as const)
      .filter(([, value]) => value > 0),
  )
}

async function memory(world: World): Promise<{ readonly agentMiB: readonly number[]; readonly operatorMiB: readonly number[] }> {
  const mib = async (component: 'node-agent' | 'operator', word: string): Promise<readonly number[]> =>
    podProcesses(word, await plexusPodUids(world.cluster, component)).map((process) => process.mib)
  return { agentMiB: await mib('node-agent', 'node-agent.mjs'), operatorMiB: await mib('operator', 'operator.mjs') }
}

async function prepare(): Promise<World> {
  await preflight({ environment: process.env, progress })
  const cluster = await startCluster({ ...identity, nodes: 2, audit: true, maxPods: 500, progress })
  const image = await testImage({ place, progress })
  await cluster.importImage(image.tarball)
  await installPlexus(cluster, { place, progress })
  await apply(cluster, ...networkNames(8).map((name, index) => network({ name, config: macvlan(name, `10.70.${index + 1}`) })))
  for (const name of networkNames(8)) await nodesColumn(cluster, name, '2/2')
  const node = cluster.nodes[1]
  if (node === undefined) throw new Error('the bench needs two nodes')
  await apply(cluster, pod({ name: 'warm-up', node: node.name, networks: 'bench-1' }))
  await podRuns(cluster, 'warm-up')
  await node.kubelet.stop()
  const scratch = join(place.cache, 'bench')
  mkdirSync(scratch, { recursive: true })
  writeFileSync(join(scratch, 'ca.crt'), cluster.api.ca)
  return { cluster, node, scratch, cpuPerAdd: {} }
}

async function shimFigures(world: World): Promise<{ readonly shimBytes: number }> {
  return { shimBytes: Number((await world.node.run(['stat', '-c', '%s', '/opt/cni/bin/plexus'])).trim()) }
}

async function main(): Promise<void> {
  const world = await prepare()
  try {
    const idle = await memory(world)
    const rows: Row[] = []
    const widths = process.env['BENCH_NETWORKS']?.split(',').map(Number) ?? [1]
    for (const networks of widths)
      for (const concurrency of process.env['BENCH_CONCURRENCY']?.split(',').map(Number) ?? [1, 20])
        rows.push(await measure(world, networks, concurrency))
    const requests = await requestsPerAdd(world)
    const kept = await jobFor(world, 'plexus', { networks: 1, concurrency: 20, count: 200, keep: true })
    await runJob(world, kept)
    const loaded = await memory(world)
    const report = {
      machine: `${cpus().length} CPUs (${cpus()[0]?.model}), ${Math.round(totalmem() / 2 ** 30)} GiB`,
      rows,
      requests,
      cpuPerAdd: world.cpuPerAdd,
      idle,
      loaded,
      ...(await shimFigures(world)),
    }
    mkdirSync(join(checkout, 'dist'), { recursive: true })
    writeFileSync(join(checkout, 'dist/bench.json'), `${JSON.stringify(report, undefined, 2)}\n`)
    console.log(`\n${report.machine}\n\n${table(rows)}\n`)
    console.log(`agent RSS MiB idle ${idle.agentMiB.join(', ')}; with 200 sandboxes on one node ${loaded.agentMiB.join(', ')}`)
    console.log(`operator RSS MiB idle ${idle.operatorMiB.join(', ')}; then ${loaded.operatorMiB.join(', ')}`)
    console.log(`CPU ms per sandbox (ADD and DEL) by round: ${JSON.stringify(world.cpuPerAdd)}`)
    console.log(`shim ${Math.round(report.shimBytes / 1000)} kB; API requests of the agents per ADD: ${JSON.stringify(requests)}`)
  } catch (error) {
    await world.cluster.collectLogs(join(world.scratch, 'logs')).catch(() => undefined)
    throw error
  } finally {
    await endCluster(identity)
  }
}

await main()
