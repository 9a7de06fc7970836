// Decides how built things are kept: one folder per hash of all inputs, which appears complete or not at all. Never decides what is built.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** First half of the sha256 over all parts, each with its length so that no two lists give the same bytes. */
export function hashOf(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${part.length}:`).update(part)
  return hash.digest('hex').slice(0, 32)
}

/** The folder `root/name`, made by `build` in a folder beside it when it is not there. Several builds at a time are harmless. */
export function cached(root: string, name: string, build: (folder: string) => void): string {
  const final = join(root, name)
  if (existsSync(final)) return final
  mkdirSync(root, { recursive: true })
  const work = mkdtempSync(join(root, `.${name}-`))
  try {
    build(work)
    publish(work, final)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return final
}

function publish(work: string, final: string): void {
  try {
    renameSync(work, final)
  } catch (error) {
    if (!existsSync(final)) throw error // Otherwise another build of the same inputs was faster.
  }
}
