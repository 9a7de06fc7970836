// Decides the lexical rule of hardware addresses in annotations. Never knows which field a value is for.

const HEX_PAIRS = /^[0-9a-fA-F]{2}(?:([:-])[0-9a-fA-F]{2})(?:\1[0-9a-fA-F]{2})*$/
const HEX_QUADS = /^[0-9a-fA-F]{4}(?:\.[0-9a-fA-F]{4})+$/
const LENGTHS = [6, 8, 20]

/** Whether Go's net.ParseMAC takes it: 6, 8 or 20 bytes as aa:bb, aa-bb or aabb.ccdd. */
export function isHardwareAddress(text: string): boolean {
  if (text.length > 60) return false
  if (HEX_PAIRS.test(text)) return LENGTHS.includes((text.length + 1) / 3)
  return HEX_QUADS.test(text) && LENGTHS.includes(((text.length + 1) / 5) * 2)
}
