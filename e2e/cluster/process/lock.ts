// Lets one process at a time start or end a cluster. A lock whose holder is gone counts for nothing.
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ClusterError } from '../cluster-error.ts'
import { isAlive, readIdentity, startOf } from './identity.ts'

/** Runs `work` while holding the lock file; throws a ClusterError naming the holder when another live process has it. */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true })
  const start = startOf(await readFile('/proc/self/stat', 'utf8')) ?? '0'
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  const holder = readIdentity(file)
  if (holder !== undefined && !isAlive(holder)) await rm(file, { force: true })
  // Linked when it is whole: a process killed while writing leaves no lock without a holder.
  const whole = `${file}.${process.pid}`
  await writeFile(whole, `${process.pid} ${start} ${boot}\n`)
  try {
    await link(whole, file)
  } catch (cause) {
    const pid = readIdentity(file)?.pid ?? 'unknown'
    throw new ClusterError(
      `process ${pid} is starting or ending this cluster just now; wait for it to end, then try again (lock ${file})`,
      { cause },
    )
  } finally {
    await rm(whole, { force: true })
  }
  try {
    return await work()
  } finally {
    await rm(file, { force: true })
  }
}
