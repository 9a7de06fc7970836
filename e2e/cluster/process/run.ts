// Runs one command to its end with a deadline and keeps what it printed. Never runs anything through a shell.
import { spawn } from 'node:child_process'
import { ClusterError } from '../cluster-error.ts'

export interface RunOptions {
  readonly input?: string | Uint8Array | undefined
  readonly cwd?: string | undefined
  /** The whole environment of the command; the tool's own unless given. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
  /** Milliseconds, 60,000 unless said. */
  readonly deadline?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface RunResult {
  /** The exit code; 128 + signal number as shells have it when a signal ended it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `argv`; resolves whatever the exit code is. Throws a ClusterError when it cannot start or the deadline passes. */
export async function attempt(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program = '', ...rest] = argv
  const limit = AbortSignal.timeout(options.deadline ?? 60_000)
  const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal])
  const child = spawn(program, rest, {
    cwd: options.cwd,
    env: options.environment,
    signal,
    killSignal: 'SIGKILL',
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  child.stdin.on('error', () => undefined) // A command may end before it has read its input: its exit code tells.
  child.stdin.end(options.input)
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', (cause) => {
      const why = limit.aborted ? `did not end within ${(options.deadline ?? 60_000) / 1000} s` : cause.message
      reject(new ClusterError(`${program}: ${why} (${argv.join(' ')}): ${tail(Buffer.concat(stderr).toString())}`, { cause }))
    })
    child.on('close', (code) => resolve(code ?? 137))
  })
  return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }
}

/** Runs `argv` and returns its output; an exit code other than 0 is a ClusterError with the end of what it said. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await attempt(argv, options)
  if (result.code === 0) return result.stdout
  throw new ClusterError(`${argv.join(' ')} ended with code ${result.code}: ${tail(result.stderr === '' ? result.stdout : result.stderr)}`)
}

const tail = (text: string): string => text.trim().slice(-1500)
