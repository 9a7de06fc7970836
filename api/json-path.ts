// Decides how messages write the place and the value of something in JSON: short, one line, whatever a user wrote. Never reads JSON.

const LONGEST = 60

/** `path.key`, `path["odd key"]` or `path[3]`. A long key is cut. */
export function pathTo(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`
  if (key.length > LONGEST || !/^[A-Za-z_][\w-]*$/.test(key)) return `${path}[${shown(key)}]`
  return path === '' ? key : `${path}.${key}`
}

/** Puts a path that is relative to a text below the field that holds the text. */
export function under(path: string, inner: string): string {
  if (inner === '') return path
  return inner.startsWith('[') || path === '' ? path + inner : `${path}.${inner}`
}

/** A value as it may be shown in a message: as JSON, at most 60 characters. */
export function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(typeof value === 'string' ? value.slice(0, LONGEST) : value)
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 3)}...` : text
}
