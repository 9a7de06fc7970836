// Decides which JSON we accept from users, plugins and files: strict, bounded, without duplicate keys. Never interprets what it holds.
import { scanJson } from './json-scan.ts'
import { MAX_JSON_DEPTH } from './limits.ts'

// The messages of json.ts and its readers show values in one way.
export { shown } from './json-path.ts'

export type Json = null | boolean | number | string | readonly Json[] | JsonObject

export interface JsonObject {
  readonly [key: string]: Json
}

/** Why a text of a user was refused. `path` names the field, `problem` the value and the cause, `remedy` what to write instead. */
export interface Rejected {
  readonly ok: false
  readonly path: string
  readonly problem: string
  readonly remedy: string
}

/** One sentence for statuses, events and CNI errors: `<path>: <problem>; <remedy>`. */
export function sentenceOf(rejected: Omit<Rejected, 'ok'>): string {
  const text = `${rejected.problem}; ${rejected.remedy}`
  return rejected.path === '' ? text : `${rejected.path}: ${text}`
}

export function rejected(path: string, problem: string, remedy: string): Rejected {
  return { ok: false, path, problem, remedy }
}

/** Whether the outcome of a reader that returns the bare value or a refusal is the refusal. */
export function isRejected(outcome: unknown): outcome is Rejected {
  return typeof outcome === 'object' && outcome !== null && 'ok' in outcome && outcome.ok === false
}

export interface JsonLimits {
  /** UTF-8 bytes. */
  readonly maxBytes: number
  /** Levels of nesting; 64 unless told. */
  readonly maxDepth?: number
}

/**
 * Parses one JSON text. Refuses what JSON.parse lets through and later readers take differently: duplicate keys, integers that a
 * double cannot hold, `__proto__`, NUL in strings, nesting and size above the limits. `path` in the answer is relative to the text.
 */
export function parseJson(text: string, limits: JsonLimits): { readonly ok: true; readonly value: Json } | Rejected {
  const { maxBytes, maxDepth = MAX_JSON_DEPTH } = limits
  if (isLongerThan(text, maxBytes)) return rejected('', `is longer than ${maxBytes} bytes`, `keep it below ${maxBytes} bytes`)
  const finding = scanJson(text, maxDepth)
  if (finding !== undefined) return { ok: false, ...finding }
  try {
    const value: Json = JSON.parse(text)
    return { ok: true, value }
  } catch {
    // Unreachable while scanJson accepts a subset of what JSON.parse accepts; the property test holds us to that.
    return rejected('', 'is not valid JSON', 'write one JSON value')
  }
}

/** An object and not an array or null. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Array.isArray does not narrow readonly arrays. */
export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

/** Whether the text takes more than this many bytes in UTF-8. */
export function isLongerThan(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return true
  if (text.length * 3 <= maxBytes) return false
  let bytes = 0
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return bytes > maxBytes
}
