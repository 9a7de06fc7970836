// Plays the container runtime for one sandbox: makes a netns and calls the installed plugin as containerd does. Decides nothing.
import type { Node } from '#cluster/node/node'

export interface HandMade {
  readonly containerId: string
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string }
  readonly annotations: Readonly<Record<string, string>>
}

/** ADD in a new netns named like the container; answers what was printed. An error of the plugin throws with what it printed. */
export async function addByHand(node: Node, made: HandMade): Promise<string> {
  await node.run(['ip', 'netns', 'add', made.containerId])
  return call(node, 'ADD', made)
}

/** DEL, and the netns goes. */
export async function delByHand(node: Node, made: HandMade): Promise<void> {
  await call(node, 'DEL', made)
  await node.run(['ip', 'netns', 'delete', made.containerId])
}

async function call(node: Node, command: 'ADD' | 'DEL', { containerId, pod, annotations }: HandMade): Promise<string> {
  const conf: { readonly name: string; readonly cniVersion: string; readonly plugins: readonly object[] } = JSON.parse(
    await node.files.read('/etc/cni/net.d/00-plexus.conflist'),
  )
  const { name, cniVersion } = conf
  const stdin = { ...conf.plugins[0], name, cniVersion, runtimeConfig: { 'io.kubernetes.cri.pod-annotations': annotations } }
  const args = {
    IgnoreUnknown: '1',
    K8S_POD_NAMESPACE: pod.namespace,
    K8S_POD_NAME: pod.name,
    K8S_POD_INFRA_CONTAINER_ID: containerId,
    K8S_POD_UID: pod.uid,
  }
  const environment = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: containerId,
    CNI_NETNS: `/run/netns/${containerId}`,
    CNI_IFNAME: 'eth0',
    CNI_PATH: '/opt/cni/bin',
    CNI_ARGS: Object.entries(args)
      .map((pair) => pair.join('='))
      .join(';'),
  }
  const variables = Object.entries(environment).map((pair) => pair.join('='))
  return node.run(['env', ...variables, '/opt/cni/bin/plexus'], { input: JSON.stringify(stdin) })
}
