// Decides which files are sandbox records and spool entries: parsers of what agent and shim wrote. Never decides what happens to a broken one.
import { z } from 'zod'
import type { Json } from './json.ts'
import type { SandboxRecord, SpoolEntry } from './sandbox-record.ts'
import { detachOutcome, jsonObject, type Parsed, parsedBy } from './socket-schema.ts'

const words = z.record(z.string(), z.string())
const device = z.object({
  resource: z.string().exactOptional(),
  id: z.string().exactOptional(),
  infoFile: z.string(),
  info: z
    .object({
      type: z.string().exactOptional(),
      version: z.string().exactOptional(),
      pci: words.exactOptional(),
      vdpa: words.exactOptional(),
      'vhost-user': words.exactOptional(),
      memif: words.exactOptional(),
    })
    .exactOptional(),
})

const attachment = z.object({
  network: z.string(),
  ifName: z.string(),
  primary: z.boolean(),
  required: z.boolean(),
  cniArgs: z.string(),
  plugins: z.array(jsonObject).min(1),
  timeoutMs: z.number().positive(),
  asked: jsonObject.exactOptional(),
  defaultRoute: z.object({ gateways: z.array(z.string()), metric: z.number().exactOptional() }).exactOptional(),
  disableCheck: z.literal(true).exactOptional(),
  disableGC: z.literal(true).exactOptional(),
  device: device.exactOptional(),
  result: jsonObject.exactOptional(),
  pending: z.enum(['attaching', 'detaching']).exactOptional(),
})

const record = z.object({
  version: z.literal(1),
  containerId: z.string(),
  state: z.enum(['planned', 'attached', 'deleting', 'gone']),
  origin: z.enum(['agent', 'shim']),
  pod: z.object({ namespace: z.string(), name: z.string(), uid: z.string() }),
  netns: z.string(),
  ifName: z.string(),
  cniVersion: z.string(),
  binDirs: z.array(z.string()),
  bootId: z.string(),
  changedAt: z.number(),
  changed: z.string(),
  attachments: z.array(attachment),
  annotation: z.string().exactOptional(),
  statusPending: z.boolean().exactOptional(),
  tkeStatus: z.boolean().exactOptional(),
  lastError: z.string().exactOptional(),
})

const spoolEntry = z.object({
  version: z.literal(1),
  containerId: z.string(),
  ifName: z.string(),
  netns: z.string(),
  cniArgs: z.string(),
  outcomes: z.array(detachOutcome),
  executed: z.boolean(),
  runtimeConfig: jsonObject.exactOptional(),
})

/** `/var/lib/plexus/sandboxes/<containerId>.json`, after parseJson. */
export const parseSandboxRecord = (json: Json): Parsed<SandboxRecord> => parsedBy(record, json)
/** `/var/lib/plexus/spool/<containerId>-<boottime>.json`, after parseJson. */
export const parseSpoolEntry = (json: Json): Parsed<SpoolEntry> => parsedBy(spoolEntry, json)
