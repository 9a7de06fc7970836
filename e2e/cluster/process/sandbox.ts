// Starts and ends a sandbox: an init process with network, mount and process namespaces of its own. Ending the init ends everything in it.
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { endProcess, type Identity, isAlive, readIdentity } from './identity.ts'
import { run } from './run.ts'
import { waitFor } from '../wait-for.ts'

export interface SandboxOptions {
  /** The folder of this checkout's `e2e/cluster`. */
  readonly tool: string
  /** Where records and logs of the sandbox's processes go. */
  readonly folder: string
  /** A static program that reaps children and waits for ever. */
  readonly init: string
  /** The node's folder for `mounts.sh`; undefined for the control plane, which has no directories of its own. */
  readonly mounts: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** A running sandbox, as the machine's namespaces see it. */
export interface Sandbox {
  readonly init: Identity
  readonly folder: string
  readonly tool: string
}

const recordOf = (folder: string): string => join(folder, 'init')

/** Starts the init and waits until its mounts are made. The network namespace holds nothing but `lo`, down. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { tool, folder, init } = options
  await mkdir(join(folder, 'logs'), { recursive: true })
  const record = recordOf(folder)
  const unshare = ['unshare', '--net', '--pid', '--mount', '--propagation', 'slave', '--fork', '--kill-child']
  const command = [...unshare, join(tool, 'node/sandbox.sh'), record, init, options.mounts ?? 'none']
  await run([join(tool, 'process/detach.sh'), join(folder, 'logs/sandbox.log'), ...command], { signal: options.signal })
  const identity = await waitFor(
    `the sandbox ${folder} has made its mounts (see logs/sandbox.log there)`,
    async () => {
      const seen = readIdentity(`${record}.ready`)
      return seen !== undefined && isAlive(seen) ? { done: true, value: seen } : { done: false, seen: 'no ready record' }
    },
    { deadline: 15_000, every: 10, signal: options.signal },
  )
  return { init: identity, folder, tool }
}

/** The sandbox that an earlier process started, if its init still runs. */
export function findSandbox(folder: string, tool: string): Sandbox | undefined {
  for (const record of [`${recordOf(folder)}.ready`, recordOf(folder)]) {
    const init = readIdentity(record)
    if (init !== undefined && isAlive(init)) return { init, folder, tool }
  }
  return undefined
}

/** Ends the init, and with it by the kernel's rule every process of the sandbox, its mounts and its network namespace. */
export async function endSandbox(folder: string, tool: string): Promise<void> {
  for (let found = findSandbox(folder, tool); found !== undefined; found = findSandbox(folder, tool)) {
    await endProcess(found.init, { first: 'SIGKILL', grace: 20_000 })
  }
  await rm(recordOf(folder), { force: true })
  await rm(`${recordOf(folder)}.ready`, { force: true })
}

/** The command that runs `argv` inside the sandbox's network, mount and process namespaces. */
export function insideSandbox(sandbox: Sandbox, argv: readonly string[]): readonly string[] {
  return ['nsenter', `--target=${sandbox.init.pid}`, '--net', '--mount', '--pid', '--', ...argv]
}
