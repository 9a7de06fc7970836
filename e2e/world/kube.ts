// Shortens what suites do with kubectl: apply, wait for pods, read objects and events. Decides nothing.
import type { Cluster } from '#cluster/cluster'
import { holds, waitFor } from '#cluster/wait-for'
import type { Manifest } from './objects.ts'

/** The parts of an object that suites look at. */
export interface Seen {
  readonly metadata: { readonly name: string; readonly uid: string; readonly annotations?: Readonly<Record<string, string>> }
  readonly status?: {
    readonly phase?: string
    readonly podIP?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string; readonly message?: string }[]
    readonly nodes?: { readonly summary: string; readonly failed?: readonly string[] }
    readonly [key: string]: unknown
  }
}

/** Applies manifests in one call. */
export async function apply(cluster: Cluster, ...objects: readonly Manifest[]): Promise<void> {
  await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }) })
}

/** The object as JSON; undefined when it does not exist. */
export async function read(cluster: Cluster, kind: string, name: string, namespace = 'default'): Promise<Seen | undefined> {
  const text = await cluster.kubectl(['-n', namespace, 'get', kind, name, '-o', 'json', '--ignore-not-found'])
  return text.trim() === '' ? undefined : JSON.parse(text)
}

/** Whether the condition Ready is true. */
export function isReady(seen: Seen): boolean {
  return seen.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false
}

/** Waits until a pod runs. */
export async function podRuns(
  cluster: Cluster,
  name: string,
  options: { readonly namespace?: string; readonly deadline?: number } = {},
): Promise<Seen> {
  return waitFor(
    `pod ${name} runs`,
    async () => {
      const seen = await read(cluster, 'pod', name, options.namespace)
      return seen !== undefined && isReady(seen) ? { done: true, value: seen } : { done: false, seen: seen?.status?.phase ?? 'no pod' }
    },
    { deadline: options.deadline ?? 60_000, every: 250 },
  )
}

/** Deletes a pod and waits until it is gone from the API server. */
export async function removePod(cluster: Cluster, name: string, namespace = 'default'): Promise<void> {
  await cluster.kubectl(['-n', namespace, 'delete', 'pod', name, '--ignore-not-found', '--wait=true', '--timeout=90s'], {
    deadline: 100_000,
  })
}

interface EventSeen {
  readonly reason: string
  readonly message: string
  readonly type: string
  readonly involvedObject: { readonly uid?: string }
}

/** Messages of the events of one object; with `uid` only of this incarnation. */
export async function events(cluster: Cluster, name: string, uid?: string): Promise<readonly string[]> {
  const text = await cluster.kubectl(['get', 'events', '-o', 'json', '--field-selector', `involvedObject.name=${name}`])
  const list: { readonly items: readonly EventSeen[] } = JSON.parse(text)
  return list.items
    .filter((event) => uid === undefined || event.involvedObject.uid === uid)
    .map((event) => `${event.type} ${event.reason}: ${event.message}`)
}

/** Waits until one event of an object matches. */
export async function eventSeen(cluster: Cluster, name: string, pattern: RegExp, deadline = 60_000): Promise<string> {
  return waitFor(
    `an event of ${name} that matches ${pattern}`,
    async () => {
      const all = await events(cluster, name)
      const found = all.find((message) => pattern.test(message))
      return found === undefined ? { done: false, seen: all.join(' | ') } : { done: true, value: found }
    },
    { deadline, every: 500 },
  )
}

/** Waits until a condition of an object has a status; answers its message. */
export async function condition(
  cluster: Cluster,
  object: string,
  wanted: { readonly type: string; readonly status: string; readonly reason?: string },
  deadline = 60_000,
): Promise<string> {
  const [kind = '', name = ''] = object.split('/')
  return waitFor(
    `${object} has ${wanted.type}=${wanted.status} ${wanted.reason ?? ''}`,
    async () => {
      const seen = await read(cluster, kind, name)
      const found = seen?.status?.conditions?.find((entry) => entry.type === wanted.type)
      const matches = found?.status === wanted.status && (wanted.reason === undefined || found.reason === wanted.reason)
      return matches ? { done: true, value: found.message ?? '' } : { done: false, seen: JSON.stringify(found ?? seen?.status) }
    },
    { deadline, every: 250 },
  )
}

/** Waits until the NAD's NODES column says this. */
export async function nodesColumn(cluster: Cluster, name: string, summary: string, deadline = 60_000): Promise<void> {
  await waitFor(
    `network ${name} shows ${summary} nodes`,
    async () => {
      const seen = await read(cluster, 'net-attach-def', name)
      return holds(seen?.status?.nodes?.summary === summary, JSON.stringify(seen?.status))
    },
    { deadline, every: 250 },
  )
}

/** network-status of a pod, parsed. */
export function networkStatus(seen: Seen): readonly {
  readonly name: string
  readonly interface: string
  readonly ips?: readonly string[]
  readonly mac?: string
  readonly default?: boolean
  readonly gateway?: readonly string[]
}[] {
  return JSON.parse(seen.metadata.annotations?.['k8s.v1.cni.cncf.io/network-status'] ?? '[]')
}
