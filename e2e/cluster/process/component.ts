// One long-running program of a sandbox: start, stop, kill, freeze. Never acts on a process it did not record.
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ClusterError } from '../cluster-error.ts'
import { waitFor } from '../wait-for.ts'
import { endProcess, isAlive, readIdentity, signalTo } from './identity.ts'
import { run } from './run.ts'
import type { Sandbox } from './sandbox.ts'

/** A program that a test may stop, kill or freeze. Every function is idempotent. */
export interface Component {
  readonly name: string
  /** The file its output goes to. */
  readonly log: string
  /** Starts it unless it runs, and waits until it serves. */
  start(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>
  /** SIGTERM, then SIGKILL after 5 seconds; returns when it is gone. */
  stop(): Promise<void>
  /** SIGKILL; returns when it is gone. */
  kill(): Promise<void>
  /** SIGSTOP: it holds its sockets and answers nobody. */
  freeze(): void
  thaw(): void
  isRunning(): boolean
  /** The process id as the machine sees it, undefined while it does not run. */
  pid(): number | undefined
}

export interface ComponentOptions {
  readonly name: string
  /** Asked at each start: a node has another sandbox after a reboot. */
  readonly sandbox: () => Sandbox
  readonly argv: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Throws while the component does not serve yet. */
  readonly serves: (signal: AbortSignal) => Promise<void>
}

export function component(folder: string, options: ComponentOptions): Component {
  const { name } = options
  const record = join(folder, `${name}.pid`)
  const log = join(folder, 'logs', `${name}.log`)
  const running = () => {
    const identity = readIdentity(record)
    return identity !== undefined && isAlive(identity) ? identity : undefined
  }
  const end = async (first: NodeJS.Signals) => {
    const identity = running()
    if (identity !== undefined) await endProcess(identity, { first, grace: 5_000 })
  }
  const send = (signal: NodeJS.Signals): void => {
    const identity = running()
    if (identity === undefined || !signalTo(identity, signal))
      throw new ClusterError(`${name} does not run: start it before sending ${signal}`)
  }
  return {
    name,
    log,
    start: async ({ signal } = {}) => {
      if (running() === undefined) await launch(options, { record, log, signal })
      const outcome = await waitFor(
        `${name} serves (its log is ${log})`,
        async (limit) => {
          if (running() === undefined) return { done: true, value: 'ended' } as const
          await options.serves(limit)
          return { done: true, value: 'serves' } as const
        },
        { deadline: 120_000, every: 50, signal },
      )
      if (outcome === 'ended') throw new ClusterError(`${name} ended by itself: ${await lastLine(log)} (its log is ${log})`)
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    freeze: () => send('SIGSTOP'),
    thaw: () => send('SIGCONT'),
    isRunning: () => running() !== undefined,
    pid: () => running()?.pid,
  }
}

async function lastLine(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '')
  return text.trim().split('\n').at(-1)?.slice(0, 500) ?? ''
}

interface Launch {
  readonly record: string
  readonly log: string
  readonly signal: AbortSignal | undefined
}

/**
 * The recorder runs with the machine's /proc, so that it writes the process id that we can signal; only then is the mount namespace entered.
 * The sandbox's init adopts the process: no parent of it stays behind.
 */
async function launch(options: ComponentOptions, { record, log, signal }: Launch): Promise<void> {
  const { init, tool } = options.sandbox()
  await rm(record, { force: true }) // An earlier process's record would look like this one having ended.
  const target = `--target=${init.pid}`
  const recorded = [join(tool, 'process/record.sh'), record, 'nsenter', target, '--mount', '--', ...options.argv]
  const argv = ['nsenter', target, '--net', '--pid', '--', join(tool, 'process/detach.sh'), log, ...recorded]
  await run(argv, { environment: options.environment, signal })
  await waitFor(
    `${options.name} has been started (its log is ${log})`,
    async () => {
      const identity = readIdentity(record)
      return identity === undefined ? { done: false, seen: 'no record of its process' } : { done: true, value: undefined }
    },
    { deadline: 10_000, every: 10, signal },
  )
}
