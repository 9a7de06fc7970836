// Decides what a NetworkAttachmentDefinition holds: the upstream spec unchanged, plus a status that projects what agents confirmed.
import { z } from 'zod'
import { conditions, objectMeta } from './meta.ts'

/** Upstream's spec: one string. Not stricter than upstream; what it may hold is decided by api/cni/config.ts. */
export const networkSpec = z.object({
  config: z
    .string()
    .optional()
    .describe("CNI configuration or configuration list as JSON. Empty: the node's own file of this name is used."),
})

/** Counted from the agents' acknowledgements. */
export const networkStatus = z.object({
  observedGeneration: z.int().min(0).optional(),
  conditions: conditions.optional(),
  type: z.string().max(253).optional().describe('Plugin type of the (first) plugin.'),
  ipam: z.string().max(253).optional().describe('IPAM plugin type of the first plugin that has one.'),
  cniVersion: z.string().max(32).optional(),
  nodes: z
    .object({
      desired: z.int().min(0),
      ready: z.int().min(0),
      summary: z.string().max(32).describe('ready/desired'),
      failed: z
        .array(z.string().max(253))
        .max(10)
        .optional()
        .describe('At most ten names of nodes that cannot serve this network.')
        .meta({ 'x-kubernetes-list-type': 'atomic' }),
    })
    .optional(),
  pods: z.int().min(0).optional().describe('Pods attached at present, as the nodes report them.'),
})

export const networkAttachmentDefinition = z.object({
  apiVersion: z.literal('k8s.cni.cncf.io/v1').optional(),
  kind: z.literal('NetworkAttachmentDefinition').optional(),
  metadata: objectMeta,
  spec: networkSpec.default({}),
  status: networkStatus.optional(),
})

export type NetworkAttachmentDefinition = Readonly<z.infer<typeof networkAttachmentDefinition>>
export type NetworkStatus = Readonly<z.infer<typeof networkStatus>>
