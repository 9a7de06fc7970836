// Decides who may talk to the API server: one token per component and node, and the kubeconfig of each. Pure.
import { apiPort } from './flags.ts'

/** One user of the API server. `file` names its kubeconfig. */
export interface Access {
  readonly file: string
  readonly user: string
  readonly groups: readonly string[]
  readonly token: string
}

/** `token` is asked once per user; give random text. */
export function accessesFor(nodes: readonly string[], token: () => string): readonly Access[] {
  return [
    { file: 'admin', user: 'admin', groups: ['system:masters'], token: token() },
    { file: 'controller-manager', user: 'system:kube-controller-manager', groups: [], token: token() },
    { file: 'scheduler', user: 'system:kube-scheduler', groups: [], token: token() },
    { file: 'kube-proxy', user: 'system:kube-proxy', groups: [], token: token() },
    ...nodes.map((node) => ({ file: `kubelet-${node}`, user: `system:node:${node}`, groups: ['system:nodes'], token: token() })),
  ]
}

/** The rows of `--token-auth-file`: token, user, uid, groups. */
export function tokenFile(accesses: readonly Access[]): string {
  return accesses.map(({ token, user, file, groups }) => `${token},${user},${file},"${groups.join(',')}"\n`).join('')
}

export const apiUrl = (apiAddress: string): string => `https://${apiAddress}:${apiPort}`

/** A kubeconfig as JSON, which every reader of YAML takes. `ca` is PEM. */
export function kubeconfigFor(
  access: Access,
  options: { readonly apiAddress: string; readonly ca: string; readonly cluster: string },
): string {
  const { cluster } = options
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': cluster,
    clusters: [
      {
        name: cluster,
        cluster: { server: apiUrl(options.apiAddress), 'certificate-authority-data': Buffer.from(options.ca).toString('base64') },
      },
    ],
    users: [{ name: access.file, user: { token: access.token } }],
    contexts: [{ name: cluster, context: { cluster, user: access.file } }],
  }
  return `${JSON.stringify(config, undefined, 2)}\n`
}
