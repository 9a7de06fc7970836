// Decides how the build runs other programs: with a limit, their output kept for the message when they fail. Never decides what to run.
import { spawnSync } from 'node:child_process'

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Limit in ms; ten minutes unless told. */
  readonly timeoutMs?: number
}

/** Runs a program to its end and returns its stdout. Throws with the last lines of its output when it fails. */
export function run(command: Command): string {
  const { program, args, cwd, env, timeoutMs = 600_000 } = command
  const done = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: timeoutMs,
    maxBuffer: 64 * 1024 * 1024,
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
  })
  if (done.error !== undefined) throw new Error(`${program} did not run: ${done.error.message}`, { cause: done.error })
  if (done.status !== 0) {
    const tail = `${done.stdout}${done.stderr}`.trim().split('\n').slice(-15).join('\n')
    throw new Error(`${program} ${args.join(' ')} failed with ${done.signal ?? `exit status ${done.status}`}:\n${tail}`)
  }
  return done.stdout
}

/** Whether a program is on PATH. */
export function hasProgram(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v -- "$1"`, 'sh', program], { stdio: 'ignore' }).status === 0
}
