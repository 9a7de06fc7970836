// Decides how what nodes said becomes part of a status message: at most three items, because people read it in a terminal. Pure.

/** What a node's agent said, with the node's name in front unless it names itself. */
export function saidBy(node: string, message: string): string {
  return message.split(/[^A-Za-z0-9.-]+/).includes(node) ? message : `${node}: ${message}`
}

/** `a; b; c; and 4 more`. */
export function firstFew(items: readonly string[], separator = '; '): string {
  const rest = items.length - 3
  return rest > 0 ? `${items.slice(0, 3).join(separator)}${separator}and ${rest} more` : items.join(separator)
}
