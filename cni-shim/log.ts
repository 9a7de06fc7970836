// Decides which operations leave a line in the shim's log: every one that changes something, and every failure. Never a config: it may hold secrets.
import type { Call } from './call.ts'
import type { Answer } from './failure.ts'
import { podOf } from './primary.ts'
import type { System } from './system.ts'

/** `<runDir>/shim.log`, with `shim.log.1` before it: memory, not disk, and gone with the boot. */
export function logFile({ runDir }: Pick<Call, 'runDir'>): string {
  return `${runDir}/shim.log`
}

const MAX_LOG_BYTES = 1024 * 1024

/** One JSON line. A log that cannot be written stops nobody. */
export function writeLog(system: System, call: Call, answer: Answer): void {
  const { verb, containerId, ifName, startedAt } = call
  if (verb === 'STATUS' && answer.ok) return
  const { namespace, name } = podOf(call)
  const ms = Math.round((system.clock.boottime() - startedAt) * 10) / 10
  const line = {
    time: system.clock.wallclock(),
    verb,
    containerId,
    ifName,
    pod: `${namespace}/${name}`,
    ms,
    ...(answer.ok ? {} : { code: answer.error.code, msg: answer.error.msg, ...(answer.bug !== undefined && { bug: answer.bug }) }),
  }
  system.files.append(logFile(call), `${JSON.stringify(line)}\n`, MAX_LOG_BYTES)
}
