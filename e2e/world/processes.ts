// Finds the processes of Plexus' pods on this machine, by pod UID in their cgroup. Never by name alone: two clusters may run here.
import { readdirSync, readFileSync } from 'node:fs'

export interface PodProcess {
  readonly pid: number
  readonly command: string
  /** Resident memory. */
  readonly mib: number
}

/** Processes whose cgroup holds one of the pod UIDs and whose command line holds `word`. */
export function podProcesses(word: string, podUids: readonly string[]): readonly PodProcess[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => readProcess(pid, podUids))
    .filter((found): found is PodProcess => found?.command.includes(word) ?? false)
}

/** A process may end between two reads: then it is none of ours. */
function readProcess(pid: string, podUids: readonly string[]): PodProcess | undefined {
  const text = (file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8')
  try {
    const cgroup = text('cgroup')
    if (!podUids.some((uid) => cgroup.includes(uid))) return undefined
    const kib = Number(/^VmRSS:\s+(\d+) kB/m.exec(text('status'))?.[1] ?? 'NaN')
    return { pid: Number(pid), command: text('cmdline').replaceAll('\0', ' '), mib: Math.round((kib / 1024) * 10) / 10 }
  } catch {
    return undefined
  }
}
