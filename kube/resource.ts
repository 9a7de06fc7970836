// Decides how a Kubernetes resource is addressed and how its objects enter the program: only through a parser. Never sends anything.

/** Who owns an object (meta/v1 OwnerReference). */
export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean | undefined
  readonly blockOwnerDeletion?: boolean | undefined
}

/** The parts of meta/v1 ObjectMeta that programs read. `resourceVersion` is opaque: compare for equality only. */
export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string | undefined
  readonly uid?: string | undefined
  readonly resourceVersion?: string | undefined
  readonly generation?: number | undefined
  readonly creationTimestamp?: string | undefined
  readonly deletionTimestamp?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
  readonly ownerReferences?: readonly OwnerReference[] | undefined
  readonly finalizers?: readonly string[] | undefined
}

/** The least that every object of the API has. */
export interface KubeObject {
  readonly apiVersion?: string | undefined
  readonly kind?: string | undefined
  readonly metadata: ObjectMeta
}

/** Coordinates of a resource and the parser of its objects. `group` is '' for the core group. */
export interface Resource<T> {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  /** Turns what the API server sent into T, or throws an Error that names the field. Drop here what is not needed. */
  parse(value: unknown): T
}

/** Name of one object; `namespace` is left out for cluster-scoped resources. */
export interface ObjectName {
  readonly name: string
  readonly namespace?: string | undefined
}

/** Key of an object in stores and queues: `namespace/name`, or `name` without a namespace. */
export function keyOf(object: ObjectName | KubeObject): string {
  const { name, namespace } = 'metadata' in object ? object.metadata : object
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`
}

/** The name behind a key of `keyOf`. */
export function nameOf(key: string): ObjectName {
  const slash = key.indexOf('/')
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/** `v1` or `group/version`. */
export function apiVersionOf(resource: Pick<Resource<unknown>, 'group' | 'version'>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
}
