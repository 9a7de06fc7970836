// Decides how we write JSON: keys sorted, as Go writes maps, so that equal values are equal bytes. Never reads JSON.
import type { Json } from './json.ts'
import { isList, isObject } from './json.ts'

/** Compact JSON with sorted keys. */
export function sortedJson(value: Json): string {
  if (isList(value)) return `[${value.map(sortedJson).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  const members = Object.keys(value)
    .toSorted(byBytes)
    .map((key) => `${JSON.stringify(key)}:${sortedJson(value[key] ?? null)}`)
  return `{${members.join(',')}}`
}

/** A string as Go's encoding/json writes it: `<`, `>`, `&` and the two line separators escaped, lone surrogates replaced. */
export function goString(text: string): string {
  return JSON.stringify(text.replaceAll(/\p{Surrogate}/gu, '\ufffd')).replaceAll(/[<>&\u2028\u2029]/g, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Code unit order; differs from Go's byte order only between surrogates and U+E000..U+FFFF, which no key of ours holds. */
function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
