// Decides what the agent keeps of a pod: identity, labels and the annotations that ask for networks. Never talks to the API server.
import { z } from 'zod'
import { ATTACHMENT_ANNOTATIONS, NETWORK_STATUS_KEY } from '#api/annotations/keys'
import { stringMap } from '#api/kinds/meta'
import type { KubeObject, Resource } from '#kube/resource'

/** A pod, slimmed to what is used. */
export interface Pod extends KubeObject {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly resourceVersion: string
    readonly labels: Readonly<Record<string, string>>
    /** Only those that ask for networks. */
    readonly annotations: Readonly<Record<string, string>>
  }
  readonly hostNetwork: boolean
  /** network-status is on the pod. */
  readonly hasNetworkStatus: boolean
  /** Pending, Running, Succeeded, Failed or Unknown. */
  readonly phase: string
  readonly deleting: boolean
}

const wire = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string().default(''),
    resourceVersion: z.string().default(''),
    labels: stringMap.default({}),
    annotations: stringMap.default({}),
    deletionTimestamp: z.string().optional(),
  }),
  spec: z.object({ hostNetwork: z.boolean().default(false) }).default({ hostNetwork: false }),
  status: z.object({ phase: z.string().default('Unknown') }).default({ phase: 'Unknown' }),
})

/** Pods of the core group. */
export const pods: Resource<Pod> = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true, parse: parsePod }

function parsePod(value: unknown): Pod {
  const { metadata, spec, status } = wire.parse(value)
  const { annotations, deletionTimestamp, ...identity } = metadata
  const asking = ATTACHMENT_ANNOTATIONS.flatMap((key) => (annotations[key] === undefined ? [] : [[key, annotations[key]] as const]))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...identity, annotations: Object.fromEntries(asking) },
    hostNetwork: spec.hostNetwork,
    hasNetworkStatus: annotations[NETWORK_STATUS_KEY] !== undefined,
    phase: status.phase,
    deleting: deletionTimestamp !== undefined,
  }
}
