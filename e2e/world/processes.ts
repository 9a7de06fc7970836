// Finds the processes of Plexus' pods on this machine, by pod UID in their cgroup. Never by name alone: two clusters may run here.
import { readdirSync, readFileSync } from 'node:fs'

export interface PodProcess {
  readonly pid: number
  readonly command: string
  /** Resident memory. */
  readonly mib: number
  /** CPU time it has used, user and system. */
  readonly cpuMs: number
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
    const command = text('cmdline').replaceAll('\0', ' ')
    return { pid: Number(pid), command, mib: Math.round((kib / 1024) * 10) / 10, cpuMs: cpuMs(text('stat')) }
  } catch {
    return undefined
  }
}

/** CPU time in ms of a process by its id; undefined when it has ended. */
export function cpuOf(pid: number): number | undefined {
  try {
    return cpuMs(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

/** Fields 14 and 15 of /proc/PID/stat, behind the command's closing bracket, in ticks of 10 ms. */
function cpuMs(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}
