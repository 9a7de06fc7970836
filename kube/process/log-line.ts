// Decides what one log line looks like: JSON, fixed key order, errors with their causes, credentials blacked out. Pure.
import { isError } from './is-error.ts'
import type { LogFields } from './log.ts'

const secretName = /token|secret|passw|authorization|credential|bearer|private|kubeconfig/iu
const secretValue =
  /\bBearer\s+\S+|\beyJ[\w-]+\.[\w-]+\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/gu
const reserved = new Set(['ts', 'level', 'msg'])
const deepest = 8

/** One line without its newline: ts, level, msg, then the fields in the order given. */
export function formatLine(line: {
  readonly at: Date
  readonly level: string
  readonly message: string
  readonly fields: LogFields
}): string {
  const out: Record<string, unknown> = { ts: line.at.toISOString(), level: line.level, msg: blackOut(line.message) }
  for (const [name, value] of Object.entries(line.fields)) {
    if (value !== undefined) out[reserved.has(name) ? `field_${name}` : name] = plain(name, value, [])
  }
  return JSON.stringify(out)
}

/** An error as data: name, message, code and the chain of causes. */
function describeError(error: unknown, depth = 0): unknown {
  if (!isError(error)) return plain('', error, [])
  const { code, status, reason } = Object.fromEntries(Object.entries(error))
  return {
    name: error.name,
    message: blackOut(error.message),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(typeof status === 'number' ? { status } : {}),
    ...(typeof reason === 'string' ? { reason: blackOut(reason) } : {}),
    ...(depth === 0 && error.stack !== undefined ? { stack: blackOut(error.stack.split('\n').slice(1, 7).join('\n')) } : {}),
    ...(error.cause === undefined || depth >= deepest ? {} : { cause: describeError(error.cause, depth + 1) }),
  }
}

function blackOut(text: string): string {
  return text.replace(secretValue, '[redacted]')
}

function plain(name: string, value: unknown, above: readonly object[]): unknown {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) return value
  if (secretName.test(name)) return '[redacted]'
  if (typeof value === 'object') return plainObject(value, above)
  if (typeof value === 'string') return blackOut(value)
  return typeof value === 'bigint' ? value.toString() : `[${typeof value}]`
}

function plainObject(value: object, above: readonly object[]): unknown {
  if (isError(value)) return describeError(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`
  if (above.includes(value)) return '[circular]'
  if (above.length >= deepest) return '[deep]'
  const within = [...above, value]
  if (Array.isArray(value) || value instanceof Set) return Array.from(value, (item: unknown) => plain('', item, within))
  return plainEntries(value instanceof Map ? value : Object.entries(value), within)
}

function plainEntries(entries: Iterable<readonly [unknown, unknown]>, above: readonly object[]): Record<string, unknown> {
  return Object.fromEntries(Array.from(entries, ([name, item]) => [String(name), plain(String(name), item, above)]))
}
