// Decides how a MicroTime is written: the API server refuses anything but exactly six digits of fraction. Pure.

/** `2026-01-01T00:00:00.000000Z`. */
export function microTime(at: Date): string {
  return at.toISOString().replace(/Z$/u, '000Z')
}
