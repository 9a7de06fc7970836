// Decides the URL path and query of every call. Pure.
import type { Selection } from './client.ts'
import type { ObjectName, Resource } from './resource.ts'

type Coordinates = Pick<Resource<unknown>, 'group' | 'version' | 'plural' | 'namespaced'>
export type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** Path of a collection: `/apis/apps/v1/namespaces/default/deployments`. Without a namespace it covers all of them. */
export function collectionPath(resource: Coordinates, namespace: string | undefined): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`
  const scope = resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${root}${scope}/${resource.plural}`
}

/** Path of an object, or of a subresource of it. */
export function objectPath(resource: Coordinates, name: ObjectName, subresource?: string): string {
  const path = `${collectionPath(resource, name.namespace)}/${encodeURIComponent(name.name)}`
  return subresource === undefined ? path : `${path}/${subresource}`
}

/** `path?query`; undefined values are left out. */
export function withQuery(path: string, query: Query): string {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) given.append(name, String(value))
  }
  return given.size === 0 ? path : `${path}?${given.toString()}`
}

/** The query part of a selection; its namespace is in the path. */
export function selectionQuery(selection: Selection): Query {
  return { labelSelector: selection.labelSelector, fieldSelector: selection.fieldSelector }
}
