// Decides which texts are words of the stream: parsers of what operator and agents send each other. Never decides what an agent does with a refused one.
import { z } from 'zod'
import type { NetworkConfig } from './cni/config.ts'
import { type Json, parseJson, type Rejected, rejected } from './json.ts'
import { profileSpec } from './kinds/node-network-profile.ts'
import { stringMap } from './kinds/meta.ts'
import type { Ack, StreamMessage } from './stream.ts'

/** Longest line of the stream and longest ack, UTF-8 bytes: a config of the largest size, escaped and with its frame. */
export const MAX_STREAM_LINE_BYTES = 1024 * 1024

const revision = z.object({ epoch: z.int().min(0), sequence: z.int().min(0) })
const kind = z.enum(['network', 'profile', 'namespace'])
const key = z.string().min(1).max(317)
const sentence = z.string().max(32768)

/** Only the frame is checked here: agents parse every config again with api/cni/config.ts before they use it. */
const config = z.custom<NetworkConfig>(isConfigFrame, { error: 'is not a network configuration with a name and plugins' })

const network = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('usable'),
    uid: z.string(),
    generation: z.int(),
    resourceName: z.string().exactOptional(),
    kuryrSubnet: z.string().exactOptional(),
    lenient: z.boolean().exactOptional(),
    config: config.exactOptional(),
  }),
  z.object({ state: z.literal('rejected'), uid: z.string(), generation: z.int(), message: sentence }),
])
const profile = z.object({ name: z.string(), generation: z.int(), spec: profileSpec })
const namespace = z.object({ labels: stringMap })

const put = z.discriminatedUnion('kind', [
  z.object({ type: z.literal('put'), kind: z.literal('network'), key, revision, object: network }),
  z.object({ type: z.literal('put'), kind: z.literal('profile'), key, revision, object: profile }),
  z.object({ type: z.literal('put'), kind: z.literal('namespace'), key, revision, object: namespace }),
])
const message = z.discriminatedUnion('type', [
  put,
  z.object({ type: z.literal('delete'), kind, key, revision }),
  z.object({ type: z.literal('synced'), revision }),
  z.object({ type: z.literal('ping') }),
])

const rejection = z.object({ kind, key, reason: z.enum(['PluginMissing', 'InvalidConfig']), message: sentence })
const ack = z.object({ revision, rejected: z.array(rejection).max(4096) })

/** Parses one line of the stream (without the newline). A message of a newer operator that this version does not know is refused too. */
export function parseStreamMessage(text: string): { readonly ok: true; readonly message: StreamMessage } | Rejected {
  const json = parseJson(text, { maxBytes: MAX_STREAM_LINE_BYTES, maxDepth: 80 })
  if (!json.ok) return json
  const parsed = message.safeParse(json.value)
  return parsed.success ? { ok: true, message: parsed.data } : refuse(parsed.error, 'run an operator and an agent of the same release')
}

/** Parses the body of `POST /v1/ack`, after parseJson. */
export function parseAck(json: Json): { readonly ok: true; readonly ack: Ack } | Rejected {
  const parsed = ack.safeParse(json)
  return parsed.success ? { ok: true, ack: parsed.data } : refuse(parsed.error, 'send {revision, rejected}')
}

function refuse(error: z.ZodError, remedy: string): Rejected {
  const [issue] = error.issues
  return rejected(issue?.path.map(String).join('.') ?? '', issue?.message ?? 'is not a message of the stream', remedy)
}

function isConfigFrame(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('name' in value) || !('plugins' in value)) return false
  return typeof value.name === 'string' && Array.isArray(value.plugins) && value.plugins.length > 0 && value.plugins.every(isPluginFrame)
}

function isPluginFrame(plugin: unknown): boolean {
  if (typeof plugin !== 'object' || plugin === null || !('type' in plugin) || !('capabilities' in plugin) || !('conf' in plugin))
    return false
  return typeof plugin.type === 'string' && Array.isArray(plugin.capabilities) && typeof plugin.conf === 'object' && plugin.conf !== null
}
