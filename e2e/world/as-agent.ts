// Speaks to the API server as the agent of one node does: with a token bound to that agent's pod. Decides nothing.
import { request } from 'node:https'
import type { Cluster } from '#cluster/cluster'
import { NAMESPACE } from './plexus.ts'

/** What the API server answered. */
export interface Answer {
  readonly status: number
  /** `message` of a Status, else ''. */
  readonly message: string
}

/** A merge patch at an absolute path of the API. */
export type Patch = (path: string, body: unknown) => Promise<Answer>

/** A token of the agent on `node`, as the kubelet projects it; without `node`, one that is bound to nothing. */
export async function patchAsAgent(cluster: Cluster, node?: string): Promise<Patch> {
  const token = await cluster.kubectl(['-n', NAMESPACE, 'create', 'token', 'plexus-node-agent', ...(await boundTo(cluster, node))])
  return (path, body) => patch(cluster, { token: token.trim(), path, body: JSON.stringify(body) })
}

async function boundTo(cluster: Cluster, node: string | undefined): Promise<readonly string[]> {
  if (node === undefined) return []
  const chosen = ['-l', 'app.kubernetes.io/component=node-agent', '--field-selector', `spec.nodeName=${node}`]
  const output = '-o=jsonpath={.items[0].metadata.name} {.items[0].metadata.uid}'
  const [name = '', uid = ''] = (await cluster.kubectl(['-n', NAMESPACE, 'get', 'pods', ...chosen, output])).trim().split(' ')
  return ['--bound-object-kind=Pod', `--bound-object-name=${name}`, `--bound-object-uid=${uid}`]
}

interface Call {
  readonly token: string
  readonly path: string
  readonly body: string
}

function patch({ api }: Cluster, { token, path, body }: Call): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/merge-patch+json' }
  return new Promise((resolve, reject) => {
    const sent = request(
      new URL(path, api.url),
      { method: 'PATCH', ca: api.ca, headers, signal: AbortSignal.timeout(10_000) },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const answered: { readonly message?: string } = JSON.parse(Buffer.concat(chunks).toString('utf8'))
          resolve({ status: response.statusCode ?? 0, message: answered.message ?? '' })
        })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}
