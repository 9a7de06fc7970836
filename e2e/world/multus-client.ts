// Speaks to Multus' socket of a node as the dynamic-networks controller does. Decides nothing.
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Node } from '#cluster/node/node'

/** What the controller knows of a running pod's sandbox: it asks the runtime, we read the agent's record. */
export interface SandboxSeen {
  readonly containerId: string
  readonly netns: string
  readonly cniVersion: string
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string }
  readonly attachments: readonly { readonly network: string; readonly ifName: string }[]
}

export interface DelegateCall {
  readonly command: 'ADD' | 'DEL' | 'CHECK' | 'STATUS'
  readonly ifName: string
  /** The network's configuration, with its name. */
  readonly config: object
  readonly attributes?: { readonly ips?: readonly string[]; readonly mac?: string; readonly 'cni-args'?: object | null }
}

export interface MultusAnswer {
  readonly status: number
  readonly body: {
    readonly Result?: { readonly ips?: readonly { readonly address: string }[] }
    readonly msg?: string
    readonly code?: number
  }
}

/** The record of a pod that is attached on this node. */
export async function sandboxOf(node: Node, pod: string): Promise<SandboxSeen> {
  const names = (await node.files.list('/var/lib/plexus/sandboxes')).filter((name) => name.endsWith('.json'))
  const records = await Promise.all(names.map((name) => node.files.read(`/var/lib/plexus/sandboxes/${name}`)))
  const seen = records.map((record): SandboxSeen & { readonly state: string } => JSON.parse(record))
  const found = seen.find((record) => record.pod.name === pod && record.state === 'attached')
  if (found === undefined) throw new Error(`${node.name} has no record of pod ${pod}`)
  return found
}

/** `POST /delegate`. */
export async function delegateCall(node: Node, sandbox: SandboxSeen, call: DelegateCall): Promise<MultusAnswer> {
  const { namespace, name, uid } = sandbox.pod
  return multusPost(node, '/delegate', {
    env: {
      CNI_COMMAND: call.command,
      CNI_CONTAINERID: sandbox.containerId,
      CNI_NETNS: sandbox.netns,
      CNI_IFNAME: call.ifName,
      CNI_ARGS: `K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name};K8S_POD_UID=${uid}`,
    },
    config: Buffer.from(JSON.stringify(call.config)).toString('base64'),
    interfaceAttributes: call.attributes ?? { 'cni-args': null },
  })
}

/** Any request of the socket. */
export async function multusPost(node: Node, path: string, body: unknown): Promise<MultusAnswer> {
  const socketPath = node.files.pathOf('/run/multus/multus.sock')
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, method: 'POST', headers: { 'content-type': 'application/json' } }, (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: JSON.parse(answer) }), reject)
    })
    sent.once('error', reject)
    sent.end(JSON.stringify(body))
  })
}
