// Decides which texts are requests of the socket: parsers of what a shim sends. Never decides what an agent does with a refused one.
import { z } from 'zod'
import { type Json, type JsonObject, type Rejected, rejected } from './json.ts'
import { type CommitRequest, type DetachedRequest, type GcRequest, type OperationRequest, PROTOCOL } from './socket.ts'

/** Any JSON object; what it must hold is decided by whoever reads it. */
export const jsonObject = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), {
  error: 'is not an object',
})
const text = z.string().max(4096)
const cniArgs = z.string().max(65536)
const boottime = z.number().min(0)
const protocol = z
  .int()
  .min(PROTOCOL - 1)
  .max(PROTOCOL)

const env = z.object({
  CNI_CONTAINERID: text.exactOptional(),
  CNI_NETNS: text.exactOptional(),
  CNI_IFNAME: text.exactOptional(),
  CNI_ARGS: cniArgs.exactOptional(),
  CNI_PATH: cniArgs.exactOptional(),
})
const operation = z.object({ protocol, env, config: jsonObject, startedAt: boottime, deadline: boottime })

/** A delegate's error, in requests and in records. */
export const delegateError = z.object({ plugin: text, code: z.int(), msg: z.string() })
const place = { network: text, ifName: text }
/** What became of one attachment, in requests and in spool entries. */
export const detachOutcome = z.object({ ...place, error: delegateError.exactOptional() })
const commit = z.object({
  protocol,
  containerId: text,
  deadline: boottime.exactOptional(),
  results: z.array(z.object({ ...place, result: jsonObject })).max(256),
  failed: z
    .array(z.object({ ...place, error: delegateError }))
    .max(256)
    .default([]),
})
const detached = z.object({ protocol, containerId: text, outcomes: z.array(detachOutcome).max(256), reason: z.string().exactOptional() })
const gc = z.object({
  protocol,
  valid: z.array(z.object({ containerID: text, ifname: text })).max(65536),
  startedAt: boottime,
  deadline: boottime,
})

/** A request, or the sentence for the one who sent it. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | Rejected

/** `POST /v1/plan`, `/v1/del`, `/v1/check`. */
export const parseOperation = (body: Json): Parsed<OperationRequest> => parsedBy(operation, body)
/** `POST /v1/commit`. */
export const parseCommit = (body: Json): Parsed<CommitRequest> => parsedBy(commit, body)
/** `POST /v1/detached`. */
export const parseDetached = (body: Json): Parsed<DetachedRequest> => parsedBy(detached, body)
/** `POST /v1/gc`. */
export const parseGc = (body: Json): Parsed<GcRequest> => parsedBy(gc, body)

/** Parses `value` and turns the first problem into path, problem and remedy. */
export function parsedBy<T>(schema: z.ZodType<T>, value: unknown): Parsed<T> {
  const outcome = schema.safeParse(value)
  if (outcome.success) return { ok: true, value: outcome.data }
  const [issue] = outcome.error.issues
  const path = issue?.path.map(String).join('.') ?? ''
  return rejected(path, issue?.message ?? 'is not what the socket expects', 'run a shim and an agent of the same release')
}
