// Reads the memory of Plexus' processes from /proc of the nodes they run on. Decides nothing.
import { readdirSync, readFileSync } from 'node:fs'

/** Resident memory in MiB of the processes on this machine whose command line holds `word` and whose pod UID is in their cgroup. */
export function residentMiB(word: string, podUids: readonly string[]): readonly number[] {
  const figures: number[] = []
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const text = readProcess(entry)
    if (text === undefined || !text.command.includes(word)) continue
    if (!podUids.some((uid) => text.cgroup.includes(uid))) continue
    const kib = Number(/^VmRSS:\s+(\d+) kB/m.exec(text.status)?.[1] ?? 'NaN')
    figures.push(Math.round((kib / 1024) * 10) / 10)
  }
  return figures
}

/** A process may end between two reads: then it is none of ours. */
function readProcess(pid: string): { readonly command: string; readonly cgroup: string; readonly status: string } | undefined {
  const read = (file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8')
  try {
    return { command: read('cmdline'), cgroup: read('cgroup'), status: read('status') }
  } catch {
    return undefined
  }
}
