// Decides which plugins this node can execute, by looking at its bin directories. Never decides what follows for a network.
import { constants } from 'node:fs'
import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Names of executable files in these directories. A directory that cannot be read has none. */
export async function executablesIn(directories: readonly string[]): Promise<ReadonlySet<string>> {
  const found = await Promise.all(directories.map(executablesOf))
  return new Set(found.flat())
}

async function executablesOf(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => [])
  const checked = await Promise.all(
    names.map((name) =>
      access(join(directory, name), constants.X_OK).then(
        () => name,
        () => undefined,
      ),
    ),
  )
  return checked.filter((name) => name !== undefined)
}
