// What a shim does with the agent, for tests of the whole attach path: a pod with network `a` on a started world.
import { until } from '#kube/testing/until'
import { pods } from '../../pods/pod.ts'
import { usable } from './ports.fake.ts'
import { openWorld, operation, result, type World } from './world.ts'

export const WANTS_A = { annotations: { 'k8s.v1.cni.cncf.io/networks': 'a' } }

type Made = readonly [network: string, ifName: string, address: string]
/** The primary and network `a`. */
export const BOTH: readonly Made[] = [
  ['cluster', 'eth0', '10.1.0.2/24'],
  ['default/a', 'net1', '10.2.0.2/24'],
]

/** A world with network `default/a`, pod `default/web` and the plugins of both networks. */
export async function openShimWorld(): Promise<World> {
  const world = await openWorld()
  world.snapshot.put('default/a', usable({ cniVersion: '1.0.0', name: 'a', type: 'sec' }))
  const metadata = { namespace: 'default', name: 'web', uid: 'uid-1' }
  world.api.put(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: 'node-a' } })
  await Promise.all([world.plugin('prim'), world.plugin('sec')])
  return world
}

export function commitOf(containerId: string, made: readonly Made[]): object {
  const results = made.map(([network, ifName, address]) => ({ network, ifName, result: result(ifName, address) }))
  return { protocol: 1, containerId, results, failed: [] }
}

export function detachedOf(containerId: string, more: object = {}): object {
  return { protocol: 1, containerId, outcomes: BOTH.map(([network, ifName]) => ({ network, ifName })), ...more }
}

/** A whole ADD of a pod with network `a`. */
export async function add(world: World, containerId: string): Promise<void> {
  const answers = [
    await world.post('/v1/plan', operation(containerId, WANTS_A)),
    await world.post('/v1/commit', commitOf(containerId, BOTH)),
  ]
  const refused = answers.find(({ status }) => status !== 200)
  if (refused !== undefined) throw new Error(JSON.stringify(refused.body))
}

/** Resolves when the sandbox is a tombstone. */
export async function gone(world: World, containerId: string): Promise<void> {
  await until(`${containerId} is gone`, async () => (await world.record(containerId)).state === 'gone')
}

/** Calls of the API server besides the watch of the agent's pods. */
export function apiCalls(world: World): readonly string[] {
  return world.api.requests.filter(({ query }) => !query.has('watch')).map(({ method, path }) => `${method} ${path}`)
}
