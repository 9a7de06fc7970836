// Makes and removes a node's cgroup in every hierarchy the machine has. Never touches a cgroup of another name.
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { holds, waitFor } from '../wait-for.ts'

const root = '/sys/fs/cgroup'

/** Whether the machine has only the one hierarchy of cgroup v2. */
export const hasOnlyCgroupV2 = (): boolean => existsSync(join(root, 'cgroup.controllers'))

/** Makes the cgroup `name` at the top of each hierarchy; a cpuset without CPUs would take no process, so the root's are copied. */
export async function makeCgroup(name: string): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    if (hasOnlyCgroupV2()) await delegateControllers(hierarchy)
    const folder = join(hierarchy, name)
    await mkdir(folder, { recursive: true })
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const inherited = await readFile(join(hierarchy, file), 'utf8').catch(() => '')
      if (inherited.trim() !== '') await writeFile(join(folder, file), inherited)
    }
    if (hasOnlyCgroupV2()) await delegateControllers(folder)
  }
}

/** Removes every cgroup whose name begins with `prefix`, deepest first. Their processes must have been ended before. */
export async function removeCgroups(prefix: string): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    const names = (await readdir(hierarchy)).filter((name) => name.startsWith(prefix))
    for (const name of names) await removeTree(join(hierarchy, name))
  }
}

async function hierarchies(): Promise<readonly string[]> {
  if (hasOnlyCgroupV2()) return [root]
  const entries = await readdir(root, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory() && existsSync(join(root, entry.name, 'cgroup.procs')))
    .map((entry) => join(root, entry.name))
}

async function delegateControllers(folder: string): Promise<void> {
  const controllers = (await readFile(join(folder, 'cgroup.controllers'), 'utf8')).trim().split(' ')
  for (const controller of controllers) {
    // A controller that cannot be delegated here is one that kubelet does without.
    await writeFile(join(folder, 'cgroup.subtree_control'), `+${controller}`).catch(() => undefined)
  }
}

async function removeTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true })
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(folder, entry.name))
  // The kernel lets go of an ended process's cgroup a moment after the process.
  await waitFor(
    `the empty cgroup ${folder} can be removed`,
    async () => {
      await rmdir(folder).catch((thrown: NodeJS.ErrnoException) => {
        if (thrown.code !== 'ENOENT') throw thrown
      })
      return holds(true, '')
    },
    { deadline: 10_000, every: 20 },
  )
}
