// Stops, kills and brings back Plexus' own processes on a cluster, as faults do. Decides nothing about what should happen then.
import type { Cluster } from '#cluster/cluster'
import type { Node } from '#cluster/node/node'
import { holds, waitFor } from '#cluster/wait-for'
import { isReady, type Seen } from './kube.ts'
import { NAMESPACE, plexusPodUids, plexusReady } from './plexus.ts'
import { podProcesses } from './processes.ts'

/** SIGKILLs the agent of a node. Kubelet starts it again. */
export async function killAgent(cluster: Cluster, node: Node): Promise<void> {
  const uids = await plexusPodUids(cluster, 'node-agent', node.name)
  const agents = podProcesses('node-agent.mjs', uids)
  if (agents.length === 0) throw new Error(`no process of the agent of ${node.name} to kill; does the image still start node-agent.mjs?`)
  for (const { pid } of agents) process.kill(pid, 'SIGKILL')
}

/** SIGSTOPs the agent of a node: it holds its socket and answers nobody until the returned function is called. */
export async function freezeAgent(cluster: Cluster, node: Node): Promise<() => void> {
  const agents = podProcesses('node-agent.mjs', await plexusPodUids(cluster, 'node-agent', node.name))
  if (agents.length === 0) throw new Error(`no process of the agent of ${node.name} to freeze; does the image still start node-agent.mjs?`)
  for (const { pid } of agents) process.kill(pid, 'SIGSTOP')
  return () => {
    for (const { pid } of agents) process.kill(pid, 'SIGCONT')
  }
}

/** A fresh agent pod without restart back-off; resolves when it is ready. */
export async function renewAgent(cluster: Cluster, node: Node): Promise<void> {
  const [old = ''] = await plexusPodUids(cluster, 'node-agent', node.name)
  const words = ['-l', 'app.kubernetes.io/component=node-agent', '--field-selector', `spec.nodeName=${node.name}`]
  await cluster.kubectl(['-n', NAMESPACE, 'delete', 'pod', ...words, '--wait=true', '--timeout=60s'], { deadline: 70_000 })
  await waitFor(
    `a new agent of ${node.name} is ready`,
    async () => {
      // The DaemonSet's own status lags behind the deletion.
      const text = await cluster.kubectl(['-n', NAMESPACE, 'get', 'pods', ...words, '-o', 'json'])
      const pods: { readonly items: readonly Seen[] } = JSON.parse(text)
      const renewed = pods.items.filter((pod) => pod.metadata.uid !== old && isReady(pod))
      return holds(renewed.length === 1, `${pods.items.length} pods`)
    },
    { deadline: 60_000, every: 250 },
  )
}

/** Takes the agents off all nodes; the chart's DaemonSet stays. */
export async function stopAgents(cluster: Cluster): Promise<void> {
  await cluster.kubectl([
    '-n',
    NAMESPACE,
    'patch',
    'daemonset',
    'plexus-node-agent',
    '--type=merge',
    '-p',
    JSON.stringify({ spec: { template: { spec: { nodeSelector: { 'test/no-agent': 'yes' } } } } }),
  ])
  await waitFor(
    'no agent runs',
    async () => {
      const uids = await plexusPodUids(cluster, 'node-agent')
      return holds(uids.length === 0, `${uids.length} pods`)
    },
    { deadline: 60_000 },
  )
}

export async function startAgents(cluster: Cluster): Promise<void> {
  await cluster.kubectl([
    '-n',
    NAMESPACE,
    'patch',
    'daemonset',
    'plexus-node-agent',
    '--type=json',
    '-p',
    JSON.stringify([{ op: 'remove', path: '/spec/template/spec/nodeSelector/test~1no-agent' }]),
  ])
  await plexusReady(cluster)
}

export async function scaleOperator(cluster: Cluster, replicas: number): Promise<void> {
  await cluster.kubectl(['-n', NAMESPACE, 'scale', 'deployment/plexus-operator', `--replicas=${replicas}`])
  await waitFor(
    `${replicas} operators`,
    async () => {
      const uids = await plexusPodUids(cluster, 'operator')
      return holds(uids.length === replicas, `${uids.length}`)
    },
    { deadline: 60_000 },
  )
  if (replicas > 0)
    await cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment/plexus-operator', '--timeout=60s'], { deadline: 70_000 })
}
