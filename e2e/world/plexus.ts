// Installs Plexus on a cluster as a user does: image, `helm install`, wait until it serves. Decides no value that the chart could decide.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from '#cluster/cluster'
import { productImage } from '#cluster/images/images'
import type { Place } from '#cluster/place'
import { holds, waitFor } from '#cluster/wait-for'

/** Where the suites and the demo install it. Not kube-system: the chart is namespace-free. */
export const NAMESPACE = 'plexus-system'

export interface InstallOptions {
  readonly place: Place
  readonly progress: (line: string) => void
  /** Further `--set` words. */
  readonly set?: readonly string[]
  readonly signal?: AbortSignal
}

function version(place: Place): string {
  const manifest: { readonly version: string } = JSON.parse(readFileSync(join(place.checkout, 'package.json'), 'utf8'))
  return manifest.version
}

/** `helm upgrade --install` of the chart with the image built from the Dockerfile; resolves when operator and agents are ready. Idempotent. */
export async function installPlexus(cluster: Cluster, options: InstallOptions): Promise<void> {
  const { place, progress, signal } = options
  progress('building the image from the Dockerfile')
  const image = await productImage({ place, progress, signal }, version(place))
  progress('importing the image on every node')
  await cluster.importImage(image.tarball)
  progress('helm install plexus charts/plexus')
  const sets = [`image.repository=localhost/plexus`, `image.tag=${version(place)}`, ...(options.set ?? [])].flatMap((word) => [
    '--set',
    word,
  ])
  const chart = join(place.checkout, 'charts/plexus')
  const words = ['upgrade', '--install', 'plexus', chart, '--namespace', NAMESPACE, '--create-namespace', '--wait', '--timeout=2m', ...sets]
  await cluster.helm(words, { deadline: 150_000, signal })
  progress('waiting for operator and agents')
  await plexusReady(cluster)
}

/** Waits until the operator and every agent are ready and every node's conf is in place. */
export async function plexusReady(cluster: Cluster, deadline = 120_000): Promise<void> {
  const rollout = (what: string): Promise<string> =>
    cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', what, `--timeout=${Math.round(deadline / 1000)}s`], {
      deadline: deadline + 5_000,
    })
  await rollout('deployment/plexus-operator')
  await rollout('daemonset/plexus-node-agent')
  for (const node of cluster.nodes) {
    await waitFor(
      `${node.name} has /etc/cni/net.d/00-plexus.conflist`,
      async () => {
        const names = await node.files.list('/etc/cni/net.d')
        return holds(names.includes('00-plexus.conflist'), names.join(' '))
      },
      { deadline },
    )
  }
}

/** UIDs of the pods of one component, on every node or on one. */
export async function plexusPodUids(cluster: Cluster, component: 'node-agent' | 'operator', node?: string): Promise<readonly string[]> {
  const selected = ['-n', NAMESPACE, 'get', 'pods', '-l', `app.kubernetes.io/component=${component}`]
  const onNode = node === undefined ? [] : ['--field-selector', `spec.nodeName=${node}`]
  const text = await cluster.kubectl([...selected, ...onNode, '-o', 'jsonpath={.items[*].metadata.uid}'])
  return text.split(/\s+/).filter((uid) => uid !== '')
}
