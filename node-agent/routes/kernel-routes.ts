// Decides how default routes of a network namespace are read and written: one process of `ip` per step. Never decides which routes.
import { execFile } from 'node:child_process'
import { PlexusError } from '#api/errors'
import { parseJson } from '#api/json'
import { MAX_RESULT_BYTES } from '#api/limits'
import { type KernelRoute, readKernelRoutes } from './kernel-route.ts'
import type { Family } from './wanted-routes.ts'

/** The kernel's default routes in the main table of a network namespace. */
export interface KernelRoutes {
  /** Throws PlexusError when the namespace cannot be entered. */
  read(netns: string, family: Family, signal: AbortSignal): Promise<readonly KernelRoute[]>
  /** Executes lines of `ip -batch` in order. The answer is what the kernel refused, and then later lines were not executed; undefined = all done. */
  write(netns: string, lines: readonly string[], signal: AbortSignal): Promise<string | undefined>
}

/** Through `nsenter` and `ip` of the image; the agent's SYS_ADMIN allows entering. */
export function openKernelRoutes(): KernelRoutes {
  return {
    read: async (netns, family, signal) => {
      const ended = await run(netns, [`-${family}`, '-json', 'route', 'show', 'table', 'main', 'default'], { signal })
      // A kernel without IPv6 has no routes of it.
      if (ended.failed && /not supported/.test(ended.err)) return []
      if (ended.failed) throw unreadable(netns, ended.err)
      const output = parseJson(ended.out.trim() === '' ? '[]' : ended.out, { maxBytes: MAX_RESULT_BYTES })
      if (!output.ok) throw unreadable(netns, `ip: ${output.problem}`)
      return readKernelRoutes(output.value, family)
    },
    write: async (netns, lines, signal) => {
      if (lines.length === 0) return undefined
      const ended = await run(netns, ['-batch', '-'], { signal, input: `${lines.join('\n')}\n` })
      return ended.failed ? firstSentence(ended.err) : undefined
    },
  }
}

interface Ended {
  readonly failed: boolean
  readonly out: string
  readonly err: string
}

function run(
  netns: string,
  words: readonly string[],
  { signal, input = '' }: { readonly signal: AbortSignal; readonly input?: string },
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const limits = { signal, maxBuffer: MAX_RESULT_BYTES, killSignal: 'SIGKILL' as const, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } }
    const child = execFile('nsenter', [`--net=${netns}`, 'ip', ...words], limits, (error, out, err) => {
      if (signal.aborted) reject(signal.reason)
      else if (error?.code === 'ENOENT') {
        reject(new PlexusError('Io', 'nsenter cannot be executed; the agent image must hold util-linux and iproute2', { cause: error }))
      } else resolve({ failed: error !== null, out, err })
    })
    // It may end before it has read everything; its exit code says so.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}

function unreadable(netns: string, err: string): PlexusError {
  const sentence = `the routes in ${netns} cannot be read: ${firstSentence(err)}; the runtime must create a new sandbox`
  return new PlexusError('DefaultRouteFailed', sentence)
}

/** "Error: Nexthop has invalid gateway." and "RTNETLINK answers: No route to host", without what comes before and after. */
function firstSentence(err: string): string {
  const [first = ''] = err.trim().split('\n')
  return first.replace(/^(?:Error|RTNETLINK answers): /, '').replace(/\.$/, '') || 'ip ended without a message'
}
