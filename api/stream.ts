// Decides the words operator and node agents exchange over the stream (docs/adr/0003). Types and the revision order only; zod schemas: api/stream-schema.ts.
import type { NetworkMarks } from './annotations/network-marks.ts'
import type { NetworkConfig } from './cni/config.ts'
import type { ProfileSpec } from './kinds/node-network-profile.ts'

/** Order of everything that leaders send: a higher epoch wins, then the sequence. */
export interface Revision {
  /** Transitions of the leader lease. */
  readonly epoch: number
  readonly sequence: number
}

/** A network as one node shall use it. */
export type NodeNetworkObject =
  | (NetworkMarks & {
      readonly state: 'usable'
      readonly uid: string
      readonly generation: number
      /** `k8s.v1.cni.cncf.io/resourceName` of the NAD. */
      readonly resourceName?: string
      /** Absent when the NAD has an empty spec: the node's own conf of that name is used. */
      readonly config?: NetworkConfig
    })
  | { readonly state: 'rejected'; readonly uid: string; readonly generation: number; readonly message: string }

/** The profile that rules one node. */
export interface ProfileObject {
  readonly name: string
  readonly generation: number
  readonly spec: ProfileSpec
}

/** Labels of a namespace, for isolation, defaults and policy peers. */
export interface NamespaceObject {
  readonly labels: Readonly<Record<string, string>>
}

/** kind → object. `network` keys are `namespace/name`, `profile` has the one key `profile`, `namespace` keys are names. */
export interface StreamObjects {
  readonly network: NodeNetworkObject
  readonly profile: ProfileObject
  readonly namespace: NamespaceObject
}
export type StreamKind = keyof StreamObjects

/** One object put; distributes over the kinds so that `kind` decides the type of `object`. */
export type PutMessage = {
  readonly [K in StreamKind]: {
    readonly type: 'put'
    readonly kind: K
    readonly key: string
    readonly revision: Revision
    readonly object: StreamObjects[K]
  }
}[StreamKind]
export type StreamMessage =
  | PutMessage
  | { readonly type: 'delete'; readonly kind: StreamKind; readonly key: string; readonly revision: Revision }
  | { readonly type: 'synced'; readonly revision: Revision }
  | { readonly type: 'ping' }

/** Something this node cannot serve, and the sentence for the user. */
export interface Rejection {
  readonly kind: StreamKind
  readonly key: string
  readonly reason: 'PluginMissing' | 'InvalidConfig'
  readonly message: string
}

/** `POST /v1/ack`: the whole truth of a node at a revision. */
export interface Ack {
  readonly revision: Revision
  readonly rejected: readonly Rejection[]
}

/** Negative when a is older than b. */
export function compareRevisions(a: Revision, b: Revision): number {
  return a.epoch === b.epoch ? a.sequence - b.sequence : a.epoch - b.epoch
}

/** `epoch.sequence`, for queries, logs and status. */
export function formatRevision(revision: Revision): string {
  return `${revision.epoch}.${revision.sequence}`
}

/** Parses `epoch.sequence`; undefined when it is not one. */
export function parseRevision(text: string): Revision | undefined {
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(text)
  return match === null ? undefined : { epoch: Number(match[1]), sequence: Number(match[2]) }
}
