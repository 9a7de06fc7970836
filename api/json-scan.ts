// Decides whether a text is JSON that every reader takes the same way, in one pass and without building anything. Never returns values.
import { pathTo, shown } from './json-path.ts'

/** What is wrong, first in the text. `path` is relative to the text's root. */
export interface Finding {
  readonly path: string
  readonly problem: string
  readonly remedy: string
}

interface Cursor {
  readonly text: string
  readonly maxDepth: number
  at: number
  readonly path: (string | number)[]
  finding: Finding | undefined
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y

/** Undefined when the text is strict JSON within the limits. Depth is checked before descending, so recursion is bounded. */
export function scanJson(text: string, maxDepth: number): Finding | undefined {
  const cursor: Cursor = { text, maxDepth, at: 0, path: [], finding: undefined }
  if (!scanValue(cursor)) return cursor.finding
  skipSpace(cursor)
  if (cursor.at < text.length) syntax(cursor, 'more text after the end of the value')
  return cursor.finding
}

function scanValue(cursor: Cursor): boolean {
  skipSpace(cursor)
  switch (cursor.text.charAt(cursor.at)) {
    case '{':
      return descend(cursor, scanObject)
    case '[':
      return descend(cursor, scanArray)
    case '"':
      return scanString(cursor) !== undefined
    case 't':
      return scanWord(cursor, 'true')
    case 'f':
      return scanWord(cursor, 'false')
    case 'n':
      return scanWord(cursor, 'null')
    default:
      return scanNumber(cursor)
  }
}

function descend(cursor: Cursor, scan: (cursor: Cursor) => boolean): boolean {
  if (cursor.path.length >= cursor.maxDepth) {
    return refuse(cursor, `is nested deeper than ${cursor.maxDepth} levels`, 'write it flatter')
  }
  cursor.at += 1
  return scan(cursor)
}

function scanObject(cursor: Cursor): boolean {
  const seen = new Set<string>()
  if (skipTo(cursor, '}')) return true
  for (;;) {
    skipSpace(cursor)
    if (cursor.text.charCodeAt(cursor.at) !== QUOTE) return syntax(cursor, 'a key in double quotes was expected')
    const key = scanString(cursor)
    if (key === undefined) return false
    cursor.path.push(key)
    if (key === '__proto__') return refuse(cursor, 'the key "__proto__" is not allowed', 'remove it')
    if (seen.has(key)) return refuse(cursor, `the key ${shown(key)} is written twice in one object`, 'keep one of them')
    seen.add(key)
    if (!skipTo(cursor, ':')) return syntax(cursor, '":" was expected after the key')
    if (!scanValue(cursor)) return false
    cursor.path.pop()
    if (skipTo(cursor, '}')) return true
    if (!skipTo(cursor, ',')) return syntax(cursor, '"," or "}" was expected')
  }
}

function scanArray(cursor: Cursor): boolean {
  if (skipTo(cursor, ']')) return true
  for (let index = 0; ; index += 1) {
    cursor.path.push(index)
    if (!scanValue(cursor)) return false
    cursor.path.pop()
    if (skipTo(cursor, ']')) return true
    if (!skipTo(cursor, ',')) return syntax(cursor, '"," or "]" was expected')
  }
}

/** The string's value, or undefined after setting the finding. The cursor stands on the opening quote. */
function scanString(cursor: Cursor): string | undefined {
  const { text } = cursor
  const start = cursor.at
  let escaped = false
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      cursor.at = at + 1
      return escaped ? unescaped(cursor, start) : text.slice(start + 1, at)
    }
    if (code === BACKSLASH) {
      escaped = true
      at += 1 // Never ends the string; whether the escape exists is decided by `unescaped`.
    } else if (code < 0x20) {
      cursor.at = at
      syntax(cursor, 'a control character must be escaped in a string')
      return undefined
    }
  }
  cursor.at = text.length
  syntax(cursor, 'the closing double quote is missing')
  return undefined
}

function unescaped(cursor: Cursor, start: number): string | undefined {
  let value: string
  try {
    value = String(JSON.parse(cursor.text.slice(start, cursor.at)))
  } catch {
    cursor.at = start
    syntax(cursor, 'the string holds an unknown escape')
    return undefined
  }
  if (!value.includes('\0')) return value
  refuse(cursor, 'holds a NUL character', 'remove "\\u0000"')
  return undefined
}

function scanNumber(cursor: Cursor): boolean {
  NUMBER.lastIndex = cursor.at
  const found = NUMBER.exec(cursor.text)?.[0]
  if (found === undefined) return syntax(cursor, 'a value was expected')
  const value = Number(found)
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
    const number = found.length > 40 ? `${found.slice(0, 37)}...` : found
    return refuse(cursor, `the number ${number} is above 2^53 and would be rounded`, 'write a smaller number, or a string in double quotes')
  }
  cursor.at += found.length
  return true
}

function scanWord(cursor: Cursor, word: string): boolean {
  if (!cursor.text.startsWith(word, cursor.at)) return syntax(cursor, 'a value was expected')
  cursor.at += word.length
  return true
}

function skipSpace(cursor: Cursor): void {
  for (;;) {
    const code = cursor.text.charCodeAt(cursor.at)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
    cursor.at += 1
  }
}

/** Skips space and then this character, if it is there. */
function skipTo(cursor: Cursor, character: string): boolean {
  skipSpace(cursor)
  if (cursor.text[cursor.at] !== character) return false
  cursor.at += 1
  return true
}

function refuse(cursor: Cursor, problem: string, remedy: string): false {
  cursor.finding = { path: cursor.path.reduce(pathTo, ''), problem, remedy }
  return false
}

function syntax(cursor: Cursor, expected: string): false {
  const { text, at } = cursor
  const character = text.codePointAt(at)
  const found = character === undefined ? 'the text ends there' : `${JSON.stringify(String.fromCodePoint(character))} is there`
  cursor.finding = {
    path: '',
    problem: `not valid JSON at position ${at}: ${expected}, ${found}`,
    remedy: 'correct it, or pass it through a JSON formatter',
  }
  return false
}
