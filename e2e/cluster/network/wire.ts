// Carries out the wiring that `links.ts` decides. Decides nothing.
import type { ClusterPlace, NodePlace } from '../place.ts'
import { attempt, run } from '../process/run.ts'
import type { Sandbox } from '../process/sandbox.ts'
import { controlPlaneLinks, farEnd, machineLinks, nodeLinks, nodePorts, nodeVeths } from './links.ts'

const netOf = (sandbox: Sandbox): readonly string[] => ['nsenter', `--target=${sandbox.init.pid}`, '--net', '--']
const batch = (lines: readonly string[], prefix: readonly string[] = []): Promise<string> =>
  run([...prefix, 'ip', '-batch', '-'], { input: `${lines.join('\n')}\n` })

export async function wireControlPlane(cluster: ClusterPlace, controlPlane: Sandbox): Promise<void> {
  await unwireMachine(cluster)
  await batch(machineLinks(cluster, controlPlane.init.pid))
  await batch(controlPlaneLinks(cluster), netOf(controlPlane))
  await run([...netOf(controlPlane), 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'])
}

/** Removes the one interface in the machine's namespace; the rest goes with its namespaces. */
export async function unwireMachine(cluster: ClusterPlace): Promise<void> {
  await attempt(['ip', 'link', 'delete', cluster.uplink]) // Absent is as good.
}

export interface NodeWiring {
  readonly cluster: ClusterPlace
  readonly node: NodePlace
  readonly others: readonly NodePlace[]
  readonly sandbox: Sandbox
  readonly controlPlane: Sandbox
}

/** Wires a node that has just booted; what its last boot left at the bridges goes first. */
export async function wireNode({ cluster, node, others, sandbox, controlPlane }: NodeWiring): Promise<void> {
  for (const name of ['eth0', 'eth1']) await attempt([...netOf(controlPlane), 'ip', 'link', 'delete', farEnd(node, name)])
  await batch(nodeVeths(cluster, node, { node: sandbox.init.pid, controlPlane: controlPlane.init.pid }))
  await batch(nodePorts(node), netOf(controlPlane))
  await batch(nodeLinks(cluster, node, others), netOf(sandbox))
  await run([...netOf(sandbox), 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'])
}
