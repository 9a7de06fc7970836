// Decides how rows become columns of text. Pure.

/** Columns as wide as their widest cell, two blanks between; the last column is not padded. `indent` blanks before each line. */
export function tableOf(rows: readonly (readonly string[])[], indent = 0): string {
  const widths: number[] = []
  for (const row of rows) for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return rows.map((row) => `${' '.repeat(indent)}${line(row)}\n`).join('')
}
