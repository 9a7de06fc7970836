// Hashes files and folders by path, mode and content, so that an image is built again exactly when something in it changed.
import { createHash, type Hash } from 'node:crypto'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'

/** Sixteen hex digits over `texts` and over the trees at `paths`, relative to `folder`. A path that is absent counts as absent. */
export async function treeHash(folder: string, paths: readonly string[], texts: readonly string[] = []): Promise<string> {
  const hash = createHash('sha256')
  for (const text of texts) hash.update(`text\0${text}\0`)
  for (const path of paths.toSorted()) await addTree(hash, folder, path)
  return hash.digest('hex').slice(0, 16)
}

async function addTree(hash: Hash, folder: string, path: string): Promise<void> {
  const full = join(folder, path)
  const stats = await lstat(full).catch(() => undefined)
  if (stats === undefined) return void hash.update(`absent\0${path}\0`)
  hash.update(`${path}\0${stats.mode.toString(8)}\0`)
  if (stats.isSymbolicLink()) return void hash.update(await readlink(full))
  if (!stats.isDirectory()) return void hash.update(await readFile(full))
  for (const name of (await readdir(full)).toSorted()) await addTree(hash, folder, join(path, name))
}
