// Decides the lexical rules of single annotation values: interface names and hardware addresses. Never knows which field a value is for.

const HEX_PAIRS = /^[0-9a-fA-F]{2}(?:([:-])[0-9a-fA-F]{2})(?:\1[0-9a-fA-F]{2})*$/
const HEX_QUADS = /^[0-9a-fA-F]{4}(?:\.[0-9a-fA-F]{4})+$/
const LENGTHS = [6, 8, 20]

/** Why this cannot name an interface; undefined when it can. The kernel's rules plus the CNI specification's. */
export function ifNameProblem(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (name.length > 15 || /[^\x20-\x7e]/.test(name)) return 'it is longer than 15 characters or holds one that is not ASCII'
  if (name === '.' || name === '..') return 'it is a directory'
  return /[\s/:]/.test(name) ? 'it holds a space, "/" or ":"' : undefined
}

/** Whether Go's net.ParseMAC takes it: 6, 8 or 20 bytes as aa:bb, aa-bb or aabb.ccdd. */
export function isHardwareAddress(text: string): boolean {
  if (text.length > 60) return false
  if (HEX_PAIRS.test(text)) return LENGTHS.includes((text.length + 1) / 3)
  return HEX_QUADS.test(text) && LENGTHS.includes(((text.length + 1) / 5) * 2)
}
