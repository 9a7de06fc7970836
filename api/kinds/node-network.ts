// Decides what an agent tells of its node: NodeNetwork, one per node, status only; the truth behind the NAD's status columns.
import { z } from 'zod'
import { conditions, objectMeta, time } from './meta.ts'

const file = z.object({
  path: z.string().max(512),
  sha256: z.string().max(64).optional(),
  state: z.enum(['Installed', 'Foreign', 'Missing', 'Contested']).describe("Foreign: somebody else's file of this name stays as it is."),
})

const networkUse = z.object({
  network: z.string().max(317).describe('namespace/name'),
  pods: z.int().min(0),
})

export const nodeNetworkStatus = z.object({
  observedGeneration: z.int().min(0).optional(),
  conditions: conditions.optional(),
  agentVersion: z.string().max(64).optional(),
  profile: z.string().max(253).optional(),
  revision: z.string().max(64).optional().describe('Stream revision (epoch.sequence) that the node serves.'),
  conf: z.object({ path: z.string().max(512), sha256: z.string().max(64), cniVersion: z.string().max(32) }).optional(),
  primary: z.object({ name: z.string().max(253), type: z.string().max(253), source: z.string().max(512) }).optional(),
  binaries: z
    .array(file)
    .max(64)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['path'] }),
  sandboxes: z.object({ attached: z.int().min(0), deleting: z.int().min(0) }).optional(),
  networks: z
    .array(networkUse)
    .max(512)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['network'] }),
  lastSeen: time.optional(),
})

export const nodeNetwork = z.object({
  apiVersion: z.literal('plexus.dev/v1alpha1').optional(),
  kind: z.literal('NodeNetwork').optional(),
  metadata: objectMeta,
  status: nodeNetworkStatus.optional(),
})

export type NodeNetwork = Readonly<z.infer<typeof nodeNetwork>>
export type NodeNetworkStatus = Readonly<z.infer<typeof nodeNetworkStatus>>
