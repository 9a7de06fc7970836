// Decides the pieces that all kinds share: conditions, names, label maps. The one source of their CRD schema, types and validation.
import { z } from 'zod'

/** RFC 3339 time as the API server writes it. */
export const time = z.string().max(64).meta({ format: 'date-time' })

/** A condition by the Kubernetes conventions and the kstatus contract (spec/operations 1.7). */
export const condition = z.object({
  type: z.string().max(316),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().max(1024),
  message: z.string().max(32768),
  observedGeneration: z.int().min(0).optional(),
  lastTransitionTime: time,
})

/** Conditions as a map keyed by type, so that several writers can own one each. */
export const conditions = z
  .array(condition)
  .max(32)
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })

/** Labels, annotations, node selectors. */
export const stringMap = z.record(z.string(), z.string().max(262144))

/** What Plexus reads of an object's metadata. */
export const objectMeta = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string().default(''),
  generation: z.int().default(1),
  resourceVersion: z.string().default(''),
  creationTimestamp: z.string().default(''),
  deletionTimestamp: z.string().optional(),
  labels: stringMap.default({}),
  annotations: stringMap.default({}),
})
