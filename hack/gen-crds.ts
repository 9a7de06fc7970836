// Decides where CRDs are written: crds/ (plain), config/crd/ (kustomize) and the chart (with its switches). The schemas come from api/.
import { stringify } from 'yaml'
import { crdName, crdOf } from '#api/crd/crd'
import { DEFINITIONS, type Definition } from '#api/crd/definitions'
import type { JsonObject } from '#api/json'
import type { Generated } from './generated.ts'

const NOTICE = '# Generated from api/kinds/ by "make generate". Do not edit.\n'

/** The copies of all CRDs. Throws with every finding when a schema is not fit for an API server. */
export function generateCrds(): readonly Generated[] {
  const built = DEFINITIONS.map((definition) => ({ definition, crd: crdOf(definition) }))
  const findings = built.flatMap(({ crd }) => (crd.ok ? [] : crd.findings))
  if (findings.length > 0) throw new Error(`schemas that no API server would take:\n${findings.join('\n')}`)
  return [
    ...built.flatMap(({ definition, crd }) => (crd.ok ? copies(definition, crd.crd) : [])),
    { path: 'config/crd/kustomization.yaml', text: kustomization() },
  ]
}

const fileName = ({ group, plural }: Definition): string => `${group}_${plural}.yaml`
const yaml = (object: JsonObject): string => stringify(object, { lineWidth: 0 })

function copies(definition: Definition, crd: JsonObject): readonly Generated[] {
  const plain = NOTICE + yaml(crd)
  return [
    { path: `crds/${fileName(definition)}`, text: plain },
    { path: `config/crd/${fileName(definition)}`, text: plain },
    { path: `charts/plexus/templates/crds/${fileName(definition)}`, text: template(definition, crd) },
  ]
}

/** The shared kind has its own switch, and is kept on uninstall whatever the values say: it holds everybody's networks. */
function template(definition: Definition, crd: JsonObject): string {
  const own = definition.group.endsWith('plexus.dev')
  const condition = own
    ? '.Values.crds.enabled'
    : `eq (include "plexus.crds.shared" (dict "root" $ "name" "${crdName(definition)}")) "true"`
  const keep = ['  annotations:', '    helm.sh/resource-policy: keep']
  const metadata = [
    'metadata:',
    `  name: ${crdName(definition)}`,
    '  labels:',
    '    {{- include "plexus.labels" (dict "root" $) | nindent 4 }}',
    ...(own ? ['  {{- if .Values.crds.keep }}', ...keep, '  {{- end }}'] : keep),
  ].join('\n')
  const body = yaml(crd).replace(/^metadata:\n {2}name: .*$/m, metadata)
  return `${NOTICE}{{- if ${condition} }}\n${body}{{- end }}\n`
}

function kustomization(): string {
  const resources = DEFINITIONS.map((definition) => `  - ${fileName(definition)}`)
  return `${NOTICE}apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n${resources.join('\n')}\n`
}
