// Decides how long an operation waits for the one before it on the same sandbox.
import { LOCK_DIR } from '#api/sandbox-record'
import type { Call } from './call.ts'
import { type Failure, failure } from './failure.ts'
import type { System } from './system.ts'

/** Shorter than kubelet's patience, longer than most delegates. */
const LOCK_WAIT_MS = 30_000

/** Takes the sandbox's lock for the rest of this process; the agent's retries and other shims wait for it. */
export function lockSandbox(system: System, call: Call): Failure | undefined {
  const folder = `${call.runDir}/${LOCK_DIR}`
  const path = `${folder}/${call.containerId}`
  const made = system.files.makeFolder(folder)
  const lock = made.ok ? system.locks.acquire(path, LOCK_WAIT_MS) : ({ kind: 'failed', cause: made.cause } as const)
  if (lock.kind === 'held') return undefined
  if (lock.kind === 'failed') return failure('Io', `${path}: it cannot be locked (${lock.cause}); see ${call.runDir} on this node`)
  return failure(
    'SandboxBusy',
    `another operation on sandbox ${call.containerId} runs for more than ${LOCK_WAIT_MS / 1000} s; it is tried again`,
  )
}
