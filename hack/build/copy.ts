// Decides when a file of dist/ is written: only when its bytes differ, and never half.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Writes `bytes` to `file` with `mode`, by a rename, unless they are there already. */
export function put(file: string, bytes: Uint8Array, mode: number): void {
  const same = existsSync(file) && Buffer.compare(readFileSync(file), bytes) === 0
  if (!same) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(`${file}.new`, bytes)
    renameSync(`${file}.new`, file)
  }
  chmodSync(file, mode)
}

/** Copies every file of a flat folder as an executable; answers their names. */
export function putExecutables(from: string, to: string): readonly string[] {
  const names = readdirSync(from)
  for (const name of names) put(join(to, name), readFileSync(join(from, name)), 0o755)
  return names
}

/** Removes what an earlier build left in `folder` and this one did not make. */
export function prune(folder: string, expected: readonly string[]): void {
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (!expected.includes(name)) rmSync(join(folder, name), { recursive: true })
  }
}
