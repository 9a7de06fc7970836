// Calls the shim of a node as a runtime would, and reads what the node recorded. Decides nothing.
import type { Node } from '#cluster/node/node'

export interface ShimCall {
  readonly verb: 'ADD' | 'DEL' | 'CHECK' | 'GC'
  readonly containerId?: string
  readonly netns?: string
  /** Name of the pod, in namespace default. */
  readonly pod?: string
  /** Further keys of stdin. */
  readonly more?: Readonly<Record<string, unknown>>
}

export interface ShimAnswer {
  readonly code: number
  /** Result or error of the CNI specification; empty when it printed nothing. */
  readonly out: Readonly<Record<string, unknown>>
}

/** One call with the conf that the runtime has. */
export async function callShim(node: Node, { verb, containerId = '', netns = '', pod = '', more = {} }: ShimCall): Promise<ShimAnswer> {
  const conf: { readonly name: string; readonly cniVersion: string; readonly plugins: readonly object[] } = JSON.parse(
    await node.files.read('/etc/cni/net.d/00-plexus.conflist'),
  )
  const { name, cniVersion } = conf
  const id = containerId === '' ? [] : [`CNI_CONTAINERID=${containerId}`, `CNI_NETNS=${netns}`, 'CNI_IFNAME=eth0']
  const args = `CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod};K8S_POD_UID=uid-${pod}`
  const argv = ['env', `CNI_COMMAND=${verb}`, 'CNI_PATH=/opt/cni/bin', ...id, args, '/opt/cni/bin/plexus']
  const input = JSON.stringify({ ...conf.plugins[0], name, cniVersion, ...more })
  const { code, stdout } = await node.attempt(argv, { input, deadline: 150_000 })
  return { code, out: stdout.trim() === '' ? {} : JSON.parse(stdout) }
}

/** runtimeConfig of a pod that asks for networks. */
export function asking(networks: string): Readonly<Record<string, unknown>> {
  return { runtimeConfig: { 'io.kubernetes.cri.pod-annotations': { 'k8s.v1.cni.cncf.io/networks': networks } } }
}

/** The parts of a sandbox record that suites look at. */
export interface RecordSeen {
  readonly containerId: string
  readonly state: string
  readonly netns: string
  readonly pod: { readonly name: string }
  readonly attachments: readonly { readonly network: string; readonly ifName: string }[]
  readonly lastError?: string
}

/** Records that can be read now. */
export async function records(node: Node): Promise<readonly RecordSeen[]> {
  const names = (await node.files.list('/var/lib/plexus/sandboxes')).filter((name) => name.endsWith('.json'))
  const texts = await Promise.all(names.map((name) => node.files.read(`/var/lib/plexus/sandboxes/${name}`).catch(() => '')))
  return texts.flatMap((text): RecordSeen[] => {
    try {
      return [JSON.parse(text)]
    } catch {
      return [] // Being made anew, or broken by a test.
    }
  })
}

/** The record of a pod's present sandbox. */
export async function recordOf(node: Node, pod: string): Promise<RecordSeen> {
  const found = (await records(node)).find((record) => record.pod.name === pod && record.state === 'attached')
  if (found === undefined) throw new Error(`${node.name} has no record of pod ${pod}`)
  return found
}
