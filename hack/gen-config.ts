// Decides what `kubectl apply -k config/default` installs: the chart as rendered with its own values. Kinds come from config/crd.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { buildComponent } from '#cluster/build/build'
import { placeOf } from '#cluster/place'
import type { Generated } from './generated.ts'

/** Where kustomize users install it; Helm users choose. */
const NAMESPACE = 'plexus-system'
/** The oldest Kubernetes that the chart takes. */
const KUBERNETES = '1.30.0'

const WORDS = [
  `--namespace=${NAMESPACE}`,
  `--kube-version=${KUBERNETES}`,
  '--set=crds.enabled=false,crds.sharedNetworkPlumbing=never',
  // The kinds are there before: the profile is an ordinary object.
  '--api-versions=plexus.dev/v1alpha1/NodeNetworkProfile',
]

export async function generateConfig(
  root: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly Generated[]> {
  const progress = (line: string): void => console.error(line)
  const folder = await buildComponent('helm', { place: placeOf(environment, root), environment, progress })
  const rendered = execFileSync(join(folder, 'helm'), ['template', 'plexus', join(root, 'charts/plexus'), ...WORDS], { encoding: 'utf8' })
  const text = rendered
    .replaceAll('app.kubernetes.io/managed-by: Helm', 'app.kubernetes.io/managed-by: kustomize')
    .replaceAll(/^ +helm\.sh\/.*\n/gm, '')
  const notice = '# Generated from charts/plexus by "make generate". Do not edit.\n'
  return [{ path: 'config/default/plexus.yaml', text: notice + withoutEmptyAnnotations(text) }]
}

const withoutEmptyAnnotations = (text: string): string => text.replaceAll(/^ +annotations:\n(?=spec:)/gm, '')
