// Decides how a request of the socket becomes JSON and how an outcome becomes an HTTP answer: 200, or a CNI error. Never does the work.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { PlexusError, toCniError } from '#api/errors'
import { type Json, parseJson, sentenceOf } from '#api/json'
import type { Parsed } from '#api/socket-schema'
import { MAX_MESSAGE_BYTES } from '#api/socket'

/** Reads and parses the body; throws `Undecodable` when it is too long, not JSON or not what `parse` expects. */
export async function readBody<T>(request: IncomingMessage, parse: (body: Json) => Parsed<T>): Promise<T> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request) {
    if (!(chunk instanceof Uint8Array)) continue
    bytes += chunk.byteLength
    // What is too long is read to its end and dropped: leaving early would cut the connection before the answer.
    if (bytes <= MAX_MESSAGE_BYTES) chunks.push(chunk)
  }
  if (bytes > MAX_MESSAGE_BYTES) {
    throw new PlexusError('Undecodable', `the request is longer than ${MAX_MESSAGE_BYTES} bytes; make the network configurations smaller`)
  }
  const json = parseJson(Buffer.concat(chunks).toString('utf8'), { maxBytes: MAX_MESSAGE_BYTES })
  const parsed = json.ok ? parse(json.value) : json
  if (!parsed.ok) throw new PlexusError('Undecodable', `the request cannot be read: ${sentenceOf(parsed)}`)
  return parsed.value
}

/** Every connection serves one request: a shim lives for milliseconds. */
export function sendJson(response: ServerResponse, status: number, body: object): void {
  if (response.destroyed || response.headersSent) return
  const text = `${JSON.stringify(body)}\n`
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), connection: 'close' })
  response.end(text)
}

/** Anything thrown, as the runtime is told it. */
export function sendError(response: ServerResponse, thrown: unknown): void {
  sendJson(response, thrown instanceof PlexusError ? 400 : 500, toCniError(thrown))
}
