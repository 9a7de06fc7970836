// Decides how generated files are written or compared. Never decides what stands in them.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** One generated file; `path` is relative to the root of the checkout. */
export interface Generated {
  readonly path: string
  readonly text: string
}

/** The text of a file, or undefined when it is missing. */
export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** Paths of files whose bytes differ from what the generators would write. */
export function drifted(root: string, files: readonly Generated[]): readonly string[] {
  return files.filter(({ path, text }) => readIfThere(join(root, path)) !== text).map(({ path }) => path)
}

/** Writes what differs; equal files keep their time stamps. */
export function writeGenerated(root: string, files: readonly Generated[]): void {
  const stale = new Set(drifted(root, files))
  for (const { path, text } of files.filter((file) => stale.has(file.path))) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}

/** Replaces what stands between two marker lines of a hand-written page. Throws when the page lacks the markers. */
export function betweenMarkers(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`]
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`the markers "${begin}" and "${end}" are missing; add them where the text belongs`)
  return `${page.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${page.slice(to)}`
}
