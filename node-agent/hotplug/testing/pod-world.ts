// A node with one pod for tests of hotplug: the real attach path, real plugin processes, and the pod's annotation as users edit it.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SandboxRecord } from '#api/sandbox-record'
import { until } from '#kube/testing/until'
import { usable } from '../../attach/testing/ports.fake.ts'
import { commitOf } from '../../attach/testing/shim-calls.ts'
import { openWorld, operation, result, type World } from '../../attach/testing/world.ts'
import { pods } from '../../pods/pod.ts'

const NETWORKS = 'k8s.v1.cni.cncf.io/networks'
const STATUS = 'k8s.v1.cni.cncf.io/network-status'
/** What a shim attaches to the pod, by interface. */
const MADE: Readonly<Record<string, readonly [string, string, string]>> = {
  eth0: ['cluster', 'eth0', '10.1.0.2/24'],
  net1: ['default/a', 'net1', '10.2.0.2/24'],
}

export interface PodWorld extends World {
  /** The pod's netns, as its plugins get it. */
  readonly netns: string
  /** The pod as users see it; `networks` is its annotation. */
  putPod(networks: string | undefined, more?: { readonly hostNetwork?: boolean; readonly deletionTimestamp?: string }): void
  /** ADD of the pod with this annotation by a shim; `ifNames` besides eth0. */
  add(networks: string, ...ifNames: readonly string[]): Promise<void>
  /** Plugin `plug-<name>` attaches, or fails at `command`. */
  working(name: string): Promise<void>
  failing(name: string, command?: 'ADD' | 'DEL'): Promise<void>
  /** Waits for a state of the record; answers its attachments. */
  recorded(what: string, holds: (record: SandboxRecord) => boolean): Promise<readonly string[]>
  /** Waits until the record answers to this annotation, nothing is under way and nothing owed; answers its attachments. */
  answering(annotation: string): Promise<readonly string[]>
  /** Events of one reason. */
  notes(reason: string): readonly string[]
  noted(reason: string): Promise<void>
  /** Calls of the plugins `plug-…`. */
  hotplugged(): Promise<readonly string[]>
  /** `name interface` of each element on the pod. */
  networkStatus(): readonly string[]
}

/** Networks `default/a` and `default/b` with plugins `plug-a` and `plug-b`; no agent runs yet. */
export async function openPodWorld(): Promise<PodWorld> {
  const world = await openWorld()
  for (const name of ['a', 'b']) world.snapshot.put(`default/${name}`, usable({ cniVersion: '1.0.0', name, type: `plug-${name}` }))
  const netns = join(world.directory, 'netns', 'c1')
  const working = (name: string): Promise<void> => world.plugin(`plug-${name}`, WORKING)
  await Promise.all([world.plugin('prim'), working('a'), working('b'), writeFile(netns, '')])
  const recorded: PodWorld['recorded'] = async (what, holds) => names(await eventually(what, () => world.record('c1'), holds))
  const notes: PodWorld['notes'] = (wanted) =>
    world.events.notes.filter(({ reason }) => reason === wanted).map(({ reason, message }) => `${reason} ${message}`)
  return {
    ...world,
    netns,
    putPod: (networks, more) => putPod(world, networks, more),
    add: (networks, ...ifNames) => add(world, { networks, netns, ifNames: ['eth0', ...ifNames] }),
    working,
    failing: (name, command = 'ADD') => world.plugin(`plug-${name}`, failingAt(command)),
    recorded,
    answering: (annotation) =>
      recorded(`the record answers to ${annotation}`, (record) => record.annotation === annotation && isSettled(record)),
    notes,
    noted: (reason) => until(`event ${reason}`, () => notes(reason).length > 0),
    hotplugged: async () => (await world.calls()).filter((call) => call.includes('plug-')).map((call) => call.replace(netns, 'NETNS')),
    networkStatus: () => {
      const status: readonly { readonly name: string; readonly interface: string }[] = JSON.parse(annotationsOf(world)[STATUS] ?? '[]')
      return status.map((entry) => `${entry.name} ${entry.interface}`)
    },
  }
}

const printed = JSON.stringify(result('IF', '10.9.0.1/24')).replace('IF', '$CNI_IFNAME').replaceAll('"', '\\"')
const WORKING = `[ $CNI_COMMAND = ADD ] && echo "${printed}" || true`

function failingAt(command: string): string {
  return `if [ $CNI_COMMAND = ${command} ]; then echo '{"code": 103, "msg": "no room"}'; exit 1; fi; echo '{}'`
}

function annotationsOf(world: World): Readonly<Record<string, string>> {
  const text = JSON.stringify(world.api.get(pods, { namespace: 'default', name: 'web' }) ?? { metadata: {} })
  const { metadata }: { readonly metadata: { readonly annotations?: Record<string, string> } } = JSON.parse(text)
  return metadata.annotations ?? {}
}

function putPod(world: World, networks: string | undefined, more: Parameters<PodWorld['putPod']>[1] = {}): void {
  const { hostNetwork = false, ...rest } = more
  // An edit leaves the other annotations alone.
  const status = Object.fromEntries(Object.entries(annotationsOf(world)).filter(([key]) => key === STATUS))
  const annotations = { ...status, ...(networks === undefined ? {} : { [NETWORKS]: networks }) }
  const metadata = { namespace: 'default', name: 'web', uid: 'uid-1', annotations, ...rest }
  const spec = { nodeName: 'node-a', hostNetwork }
  world.api.put(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec, status: { phase: 'Running' } })
}

async function add(
  world: World,
  pod: { readonly networks: string; readonly netns: string; readonly ifNames: readonly string[] },
): Promise<void> {
  const annotations: Record<string, string> = pod.networks === '' ? {} : { [NETWORKS]: pod.networks }
  const plan = await world.post('/v1/plan', operation('c1', { annotations, env: { CNI_NETNS: pod.netns } }))
  const made = pod.ifNames.flatMap((name) => (MADE[name] === undefined ? [] : [MADE[name]]))
  const commit = await world.post('/v1/commit', commitOf('c1', made))
  if (plan.status !== 200 || commit.status !== 200) throw new Error(JSON.stringify([plan.body, commit.body]))
}

function isSettled({ statusPending, attachments }: SandboxRecord): boolean {
  return statusPending !== true && attachments.every(({ pending }) => pending === undefined)
}

function names({ attachments }: SandboxRecord): readonly string[] {
  return attachments.map(({ network, ifName, pending }) => [network, ifName, ...(pending === undefined ? [] : [pending])].join(' '))
}

/** Waits for something that is read from the disk. The bound only ends a test that would hang. */
export async function eventually<T>(what: string, read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const end = performance.now() + 10_000
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop
    const value = await read()
    if (holds(value)) return value
    if (performance.now() > end) throw new Error(`waited in vain for: ${what}; it is ${JSON.stringify(value)}`)
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => setImmediate(resolve))
  }
}
