// Decides that nobody else works on a sandbox: the flock that the shim takes too. Never waits: a held lock is somebody else's turn.
import { spawn } from 'node:child_process'
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PlexusError } from '#api/errors'

/** A held lock. It is held as long as this process or any child that inherited `fd` lives. */
export interface SandboxLock {
  readonly fd: number
  release(): Promise<void>
}

const HELD_BY_ANOTHER = 75

/** Takes the flock on `path`, or undefined when somebody holds it. util-linux `flock` locks our own open file, so the lock is ours. */
export async function tryLock(path: string): Promise<SandboxLock | undefined> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(path, 'a', 0o600)
  const code = await flock(file.fd).catch(async (cause: unknown) => {
    await file.close()
    throw new PlexusError('Io', 'flock: it cannot be executed; the agent image must hold util-linux', { cause })
  })
  if (code === 0) return { fd: file.fd, release: () => file.close() }
  await file.close()
  if (code === HELD_BY_ANOTHER) return undefined
  throw new PlexusError('Io', `${path}: flock ended with code ${code}; the directory must be on a local file system`)
}

function flock(fd: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', ['-n', '-E', String(HELD_BY_ANOTHER), '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] })
    child.once('error', reject)
    child.once('exit', resolve)
  })
}
