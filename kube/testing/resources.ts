// Resources that tests of this folder use, parsed only as far as every object is.
import { parseKubeObject } from '../answers.ts'
import type { KubeObject, Resource } from '../resource.ts'

type Loose = KubeObject & Readonly<Record<string, unknown>>
const core = { group: '', version: 'v1', namespaced: true, parse: parseKubeObject } as const

export const pods: Resource<Loose> = { ...core, kind: 'Pod', plural: 'pods' }
export const configMaps: Resource<Loose> = { ...core, kind: 'ConfigMap', plural: 'configmaps' }
export const namespaces: Resource<Loose> = { ...core, kind: 'Namespace', plural: 'namespaces', namespaced: false }
export const tokenReviews: Resource<Loose> = {
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  namespaced: false,
  // A review is answered without a name.
  parse: (value) => ({
    metadata: { name: '' },
    ...(typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}),
  }),
}
