// Tells one process from a later one with the same id: by its start time and the machine's boot. Never signals by id alone.
import { readFileSync } from 'node:fs'
import { kill } from 'node:process'
import { waitFor, holds } from '../wait-for.ts'

/** What `record.sh` wrote. `start` is field 22 of /proc/PID/stat, in clock ticks. */
export interface Identity {
  readonly pid: number
  readonly start: string
  readonly boot: string
}

/** Parses a record; undefined for anything that is not one. */
export function parseIdentity(text: string): Identity | undefined {
  const [pid, start, boot] = text.trim().split(' ')
  if (pid === undefined || start === undefined || boot === undefined || !/^[1-9]\d*$/.test(pid) || !/^\d+$/.test(start)) return undefined
  return { pid: Number(pid), start, boot }
}

/** Field 22 of a /proc/PID/stat line, whose second field may hold spaces and brackets; undefined for a zombie. */
export function startOf(stat: string): string | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}

export function readIdentity(file: string): Identity | undefined {
  const text = readText(file)
  return text === undefined ? undefined : parseIdentity(text)
}

/** Whether exactly this process still runs; a zombie does not. */
export function isAlive(identity: Identity, bootFile = '/proc/sys/kernel/random/boot_id'): boolean {
  const stat = readText(`/proc/${identity.pid}/stat`)
  return stat !== undefined && startOf(stat) === identity.start && readText(bootFile)?.trim() === identity.boot
}

/** Sends a signal if exactly this process still runs; says whether it did. */
export function signalTo(identity: Identity, name: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false
  try {
    kill(identity.pid, name)
    return true
  } catch {
    return false // It ended between the look and the signal.
  }
}

/** Ends a process: the given signal first, SIGKILL after `grace` milliseconds; returns when it is gone. */
export async function endProcess(identity: Identity, options: { readonly first: NodeJS.Signals; readonly grace: number }): Promise<void> {
  const gone = async () => holds(!isAlive(identity), `process ${identity.pid} is still there`)
  if (!signalTo(identity, options.first)) return
  signalTo(identity, 'SIGCONT')
  try {
    await waitFor(`process ${identity.pid} ends`, gone, { deadline: options.grace, every: 20 })
  } catch {
    signalTo(identity, 'SIGKILL')
    await waitFor(`process ${identity.pid} ends after SIGKILL`, gone, { deadline: 20_000, every: 20 })
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
