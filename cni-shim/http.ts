// Decides the bytes of one HTTP/1.1 request to the agent and the meaning of its answer. Pure: the socket is somebody else's.
import type { JsonObject } from '#api/json'
import { parseObject } from './read-json.ts'

/** A POST without keep-alive. The length is in UTF-8 bytes. */
export function formatPost(path: string, body: object): string {
  const text = JSON.stringify(body)
  const head = ['Host: plexus', 'Connection: close', 'Content-Type: application/json', `Content-Length: ${utf8Length(text)}`]
  return `POST ${path} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n${text}`
}

/** Status and JSON object of an answer; undefined when it was cut off or is not one. */
export function parseAnswer(text: string): { readonly status: number; readonly body: JsonObject } | undefined {
  const end = text.indexOf('\r\n\r\n')
  const status = /^HTTP\/1\.[01] (\d{3}) /.exec(text)?.[1]
  if (end < 0 || status === undefined) return undefined
  // A JSON object that lost its end does not parse, so no length is compared. The agent never answers in chunks.
  const body = parseObject(text.slice(end + 4))
  return body === undefined ? undefined : { status: Number(status), body }
}

/** Bytes of a text in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = 0
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    const leads = code >= 0xd800 && code < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : leads ? 4 : 3
    if (leads) i += 1
  }
  return bytes
}
