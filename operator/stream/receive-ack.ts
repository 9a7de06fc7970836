// Decides whether the body of `POST /v1/ack` is an ack that counts. Never interprets what a node rejected.
import type { ServerHttp2Stream } from 'node:http2'
import { parseJson, sentenceOf } from '#api/json'
import { formatRevision } from '#api/stream'
import { MAX_STREAM_LINE_BYTES, parseAck } from '#api/stream-schema'
import type { Log } from '#kube/process/log'
import type { Acks } from './acks.ts'

export interface AckRequest {
  readonly stream: ServerHttp2Stream
  readonly node: string
  readonly acks: Acks
  readonly log: Log
  readonly reply: (status: number, message: string) => void
}

/** 200: taken over. 400: not an ack. 409: of another leader's term, or older than the last. 413: too long. */
export async function receiveAck({ stream, node, acks, log, reply }: AckRequest): Promise<void> {
  const text = await readBody(stream)
  if (text === undefined) return reply(413, `an ack is at most ${MAX_STREAM_LINE_BYTES} bytes long`)
  const json = parseJson(text, { maxBytes: MAX_STREAM_LINE_BYTES })
  const parsed = json.ok ? parseAck(json.value) : json
  if (!parsed.ok) return reply(400, sentenceOf(parsed))
  const { ack } = parsed
  const taken = acks.accept(node, ack)
  log.debug('a node acknowledged', { node, revision: formatRevision(ack.revision), rejected: ack.rejected.length, taken })
  if (taken === 'stale') return reply(409, 'the revision is not of this leader; connect again for a new snapshot')
  return reply(200, 'taken over')
}

/** The body as text; undefined when it is too long. Rejects when the client goes away. */
async function readBody(stream: ServerHttp2Stream): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('the body did not come as bytes')
    bytes += chunk.length
    if (bytes > MAX_STREAM_LINE_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
