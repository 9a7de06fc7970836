// Decides what of a network namespace's kernel state is read, and how `ip` prints it. Never changes anything.
import { execFile } from 'node:child_process'
import { PlexusError } from '#api/errors'
import { formatCidr, parseCidr, parseIp } from '#api/ip'
import { isList, isObject, type JsonObject, parseJson } from '#api/json'
import { MAX_RESULT_BYTES } from '#api/limits'

/** One interface as the kernel has it. */
export interface KernelLink {
  readonly name: string
  /** Lower case. */
  readonly mac: string
  /** Without prefix length, as RFC 5952 writes them. */
  readonly addresses: readonly string[]
}

export interface NetnsState {
  readonly links: readonly KernelLink[]
  /** Destinations of unicast routes in all tables, as CIDR. */
  readonly routes: ReadonlySet<string>
}

/** Reads namespaces by their path. */
export interface NetnsReader {
  /** Throws PlexusError when the namespace cannot be entered, or the signal's reason. */
  read(netns: string, signal: AbortSignal): Promise<NetnsState>
}

/** Through `nsenter` and `ip` of the image; the agent's SYS_ADMIN allows entering. */
export function openNetnsReader(): NetnsReader {
  return {
    read: async (netns, signal) => {
      const [links, v4, v6] = await Promise.all([
        ip(netns, ['-json', 'address', 'show'], signal),
        ip(netns, ['-4', '-json', 'route', 'show', 'table', 'all'], signal),
        ip(netns, ['-6', '-json', 'route', 'show', 'table', 'all'], signal),
      ])
      return {
        links: links.map(linkOf),
        routes: new Set([...v4.flatMap((item) => routeOf(item, 4)), ...v6.flatMap((item) => routeOf(item, 6))]),
      }
    },
  }
}

function linkOf({ ifname, address, addr_info: info }: JsonObject): KernelLink {
  const addresses = (isList(info) ? info.filter(isObject) : []).flatMap(({ local, prefixlen }) => {
    const cidr = typeof local === 'string' && typeof prefixlen === 'number' ? parseCidr(`${local}/${prefixlen}`) : undefined
    return cidr === undefined ? [] : [formatCidr(cidr).replace(/\/\d+$/, '')]
  })
  return { name: typeof ifname === 'string' ? ifname : '', mac: typeof address === 'string' ? address.toLowerCase() : '', addresses }
}

function routeOf({ dst, type = 'unicast' }: JsonObject, family: 4 | 6): readonly string[] {
  if (typeof dst !== 'string' || type !== 'unicast') return []
  if (dst === 'default') return [family === 4 ? '0.0.0.0/0' : '::/0']
  const cidr = parseCidr(parseIp(dst) === undefined ? dst : `${dst}/${family === 4 ? 32 : 128}`)
  return cidr === undefined ? [] : [formatCidr(cidr)]
}

function ip(netns: string, words: readonly string[], signal: AbortSignal): Promise<readonly JsonObject[]> {
  return new Promise((resolve, reject) => {
    const limits = { signal, maxBuffer: MAX_RESULT_BYTES, killSignal: 'SIGKILL' as const, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } }
    execFile('nsenter', [`--net=${netns}`, 'ip', ...words], limits, (error, out, err) => {
      const read = out.trim() === '' ? undefined : parseJson(out, { maxBytes: MAX_RESULT_BYTES })
      if (signal.aborted) reject(signal.reason)
      // A kernel without IPv6 has no routes of it; an empty table prints nothing.
      else if (error !== null && !/not supported|table does not exist/.test(err)) reject(unreadable(netns, err, error))
      else resolve(read?.ok === true && isList(read.value) ? read.value.filter(isObject) : [])
    })
  })
}

function unreadable(netns: string, err: string, cause: unknown): PlexusError {
  const [first = ''] = err.trim().split('\n')
  const said = first === '' ? 'nsenter and ip cannot be executed; the agent image must hold util-linux and iproute2' : first
  return new PlexusError('Io', `the network namespace ${netns} cannot be read: ${said}`, { cause })
}
