// Decides how lists become part of a status message: at most three items, because people read them in a terminal. Pure.

/** `a; b; c; and 4 more`. */
export function firstFew(items: readonly string[], separator = '; '): string {
  const rest = items.length - 3
  return rest > 0 ? `${items.slice(0, 3).join(separator)}${separator}and ${rest} more` : items.join(separator)
}
