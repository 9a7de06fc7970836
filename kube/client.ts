// Decides which calls a program may make to the API server. Never sends them: adapter `http-client.ts`, contract `client.contract.ts`.
import type { KubeError } from './kube-error.ts'
import type { ObjectName, Resource } from './resource.ts'

/** Limits of one call. Every call has a deadline (30 s unless given) that covers its retries too. */
export interface CallOptions {
  readonly deadlineMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Which objects a list or watch covers. */
export interface Selection {
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
}

/** One page of a list. */
export interface ListPage<T> {
  readonly items: readonly T[]
  readonly resourceVersion: string
}

export interface WatchOptions extends Selection {
  readonly resourceVersion?: string | undefined
  /** Streams the present state first (WatchList), ended by a bookmark with `initialEventsEnd`. */
  readonly sendInitialEvents?: boolean | undefined
  readonly timeoutSeconds: number
  /** Ends the stream. The stream itself has no deadline: its reader watches for silence. */
  readonly signal: AbortSignal
}

/** One line of a watch. `object` is what the server sent; parse it before use. */
export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: unknown }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string; readonly initialEventsEnd: boolean }
  | { readonly type: 'ERROR'; readonly error: KubeError }

export interface WriteOptions extends CallOptions {
  readonly fieldManager?: string | undefined
  readonly subresource?: string | undefined
  readonly dryRun?: boolean | undefined
}

export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string
  /** Takes fields from other managers; only for fields that are ours by contract. */
  readonly force?: boolean | undefined
}

export interface DeleteOptions extends CallOptions {
  readonly uid?: string | undefined
  readonly resourceVersion?: string | undefined
  readonly gracePeriodSeconds?: number | undefined
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' | undefined
}

/** A patch and its dialect (merge: RFC 7386; json: RFC 6902; strategic: built-in kinds only). */
export type Patch =
  | { readonly type: 'merge' | 'strategic'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly type: 'json'; readonly body: readonly Readonly<Record<string, unknown>>[] }

/** An object as it is sent: apiVersion and kind are filled in from the resource. */
export type Sent = Readonly<Record<string, unknown>>

/** Calls that read. All throw KubeError. */
export interface KubeReader {
  /** The object, or undefined when it does not exist. An unknown resource (missing CRD) throws. */
  get<T>(resource: Resource<T>, name: ObjectName, options?: CallOptions): Promise<T | undefined>
  /** Pages of at most 500 objects; an expired continue token throws KubeError 410. */
  list<T>(resource: Resource<T>, selection?: Selection, options?: CallOptions): AsyncGenerator<ListPage<T>>
  /** Opens a watch. Resolves when the server accepted it; the iteration throws KubeError when the stream breaks. */
  watch(resource: Resource<unknown>, options: WatchOptions): Promise<AsyncIterable<WatchEvent>>
}

/** Calls that write. All throw KubeError; all answer with the object as the server has it afterwards. */
export interface KubeWriter {
  create<T>(resource: Resource<T>, object: Sent, options?: WriteOptions): Promise<T>
  /** PUT; carries metadata.resourceVersion, so a concurrent change throws KubeError 409. */
  replace<T>(resource: Resource<T>, object: Sent, options?: WriteOptions): Promise<T>
  patch<T>(resource: Resource<T>, name: ObjectName, options: WriteOptions & { readonly patch: Patch }): Promise<T>
  /** Server-side apply of the whole intent of one field manager. `subresource: 'status'` applies a status. */
  apply<T>(resource: Resource<T>, object: Sent, options: ApplyOptions): Promise<T>
  /** Deletes; false when there was nothing to delete. A failed precondition throws KubeError 409. */
  delete(resource: Resource<unknown>, name: ObjectName, options?: DeleteOptions): Promise<boolean>
}

/** The whole client of one process. */
export interface KubeClient extends KubeReader, KubeWriter {
  /** Ends idle connections and every watch. */
  close(): Promise<void>
}

/** What happened to one HTTP request, for metrics. `code` is the status or the network error's code. */
export interface RequestSeen {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'replace' | 'patch' | 'apply' | 'delete'
  readonly resource: string
  readonly code: string
  readonly seconds: number
}
