// Decides how one plugin is executed by the agent: environment, stdin, limit, and what its ending means. Never chooses the plugin.
import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import type { DelegateError } from '#api/socket'
import { ERRORS } from '#api/errors'
import { isObject, type JsonObject, parseJson } from '#api/json'
import { MAX_RESULT_BYTES } from '#api/limits'
import type { Clock } from '#kube/process/clock'

/** One execution. */
export interface PluginCall {
  /** File name in one of `binDirs`. */
  readonly type: string
  readonly command: 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS'
  readonly env: Readonly<Record<'CNI_CONTAINERID' | 'CNI_NETNS' | 'CNI_IFNAME' | 'CNI_ARGS', string>>
  readonly binDirs: readonly string[]
  readonly stdin: JsonObject
  readonly timeoutMs: number
  /** A held lock that must live as long as the plugin. */
  readonly lockFd?: number
  readonly signal: AbortSignal
}

/** Executes plugins on this host. */
export interface PluginRunner {
  /** undefined = success. Never throws for what a plugin does. */
  run(call: PluginCall): Promise<DelegateError | undefined>
}

/** What a plugin's ADD came to. `result` is as printed; an empty one is `{}`. */
export type AddOutcome = { readonly ok: true; readonly result: JsonObject } | { readonly ok: false; readonly error: DelegateError }

/** Executes plugins that print a result. */
export interface PluginAdder {
  /** Never throws for what a plugin does. */
  add(call: PluginCall): Promise<AddOutcome>
}

/** Plugins of a container must be able to set sysctls: in its own mount namespace the child gets both trees writable. */
const REMOUNT = 'mount -o remount,bind,rw /proc/sys && mount -o remount,bind,rw /sys && exec "$0"'
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin'

/** `remount` says whether /proc/sys and /sys are read-only here; see `needsRemount`. */
export function openPluginRunner(options: { readonly remount: boolean; readonly clock: Clock }): PluginRunner & PluginAdder {
  const ended = async (call: PluginCall): Promise<Ended> => {
    const path = await findPlugin(call.type, call.binDirs)
    if (path === undefined) {
      const msg = `the plugin "${call.type}" is in none of ${call.binDirs.join(', ')}; install it there`
      return failed(call.type, ERRORS.PluginMissing.cni, msg)
    }
    const [file, args] = options.remount ? wrapped(path) : [path, []]
    return execute(file, args, { call, clock: options.clock })
  }
  return {
    run: async (call) => {
      const end = await ended(call)
      return end.ok ? undefined : end.error
    },
    add: async (call) => {
      const end = await ended(call)
      return end.ok ? printed(call, end.stdout) : end
    },
  }
}

type Ended = { readonly ok: true; readonly stdout: string } | (AddOutcome & { readonly ok: false })

function failed(plugin: string, code: number, msg: string): AddOutcome & { readonly ok: false } {
  return { ok: false, error: { plugin, code, msg } }
}

/** The result in the conf's version when it names none, as libcni reads it. */
function printed({ type, stdin }: PluginCall, stdout: string): AddOutcome {
  const text = stdout.trim()
  if (text === '' || text === 'null') return { ok: true, result: { cniVersion: stdin['cniVersion'] ?? '' } }
  const json = parseJson(text, { maxBytes: MAX_RESULT_BYTES })
  if (!json.ok || !isObject(json.value)) {
    return failed(type, ERRORS.Undecodable.cni, 'it printed something that is not a result; a plugin prints one JSON object')
  }
  const cniVersion = json.value['cniVersion'] ?? ''
  return { ok: true, result: cniVersion === '' ? { ...json.value, cniVersion: stdin['cniVersion'] ?? '' } : json.value }
}

/** True when the kernel refuses writes below /proc/sys here. */
export async function needsRemount(): Promise<boolean> {
  return access('/proc/sys/net/ipv4/ip_forward', constants.W_OK).then(
    () => false,
    () => true,
  )
}

function wrapped(path: string): readonly [string, readonly string[]] {
  return ['unshare', ['--mount', '--propagation', 'slave', 'sh', '-c', REMOUNT, path]]
}

async function findPlugin(type: string, binDirs: readonly string[]): Promise<string | undefined> {
  if (!/^[A-Za-z0-9._-]+$/.test(type) || type === '.' || type === '..') return undefined
  for (const directory of binDirs) {
    const path = join(directory, type)
    // The first directory that has it decides.
    // oxlint-disable-next-line no-await-in-loop
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  return undefined
}

/** Runs the file in its own process group, so that a limit ends its children too. */
function execute(file: string, args: readonly string[], options: { readonly call: PluginCall; readonly clock: Clock }): Promise<Ended> {
  const { call, clock } = options
  return new Promise((resolve) => {
    const env = { ...call.env, CNI_COMMAND: call.command, CNI_PATH: call.binDirs.join(':'), PATH }
    const lock = call.lockFd === undefined ? [] : [call.lockFd]
    const child = spawn(file, [...args], { env, stdio: ['pipe', 'pipe', 'pipe', ...lock], detached: true })
    const out = collect(child.stdout)
    const err = collect(child.stderr)
    const settle = (end: Ended): void => {
      cancel()
      call.signal.removeEventListener('abort', onAbort)
      resolve(end)
    }
    const fail = (code: number, msg: string): void => settle(failed(call.type, code, msg))
    const end = (why: string): void => {
      if (child.pid !== undefined) killGroup(child.pid)
      fail(ERRORS.DelegateTimeout.cni, `the plugin "${call.type}" was killed: ${why}`)
    }
    const cancel = clock.after(call.timeoutMs, () => end(`it did not end within ${call.timeoutMs} ms`))
    const onAbort = (): void => end('the agent is stopping')
    call.signal.addEventListener('abort', onAbort, { once: true })
    if (call.signal.aborted) onAbort()
    child.once('error', (error) => fail(ERRORS.DelegateFailed.cni, `the plugin "${call.type}" cannot be executed: ${error.message}`))
    child.once('close', (code, killedBy) => {
      if (code === 0) settle({ ok: true, stdout: out() })
      else settle({ ok: false, error: failureOf(call.type, { out: out(), err: err(), how: killedBy ?? `code ${code}` }) })
    })
    // A plugin may end without reading its stdin; that is its own affair.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(JSON.stringify(call.stdin))
  })
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // The group ended in between.
  }
}

/** Keeps the first MAX_RESULT_BYTES of a stream and lets the rest flow away. */
function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = []
  let bytes = 0
  stream?.on('data', (chunk: Buffer) => {
    if (bytes < MAX_RESULT_BYTES) chunks.push(chunk)
    bytes += chunk.byteLength
  })
  return () => Buffer.concat(chunks).toString('utf8')
}

/** A plugin prints its error as JSON on stdout (CNI specification, "Error"); one that does not is quoted. */
function failureOf(plugin: string, ending: { readonly out: string; readonly err: string; readonly how: string }): DelegateError {
  const json = parseJson(ending.out, { maxBytes: MAX_RESULT_BYTES })
  if (json.ok && isObject(json.value)) {
    const { code, msg, details } = json.value
    if (typeof code === 'number' && typeof msg === 'string') {
      return { plugin, code, msg: typeof details === 'string' && details !== '' ? `${msg}: ${details}` : msg }
    }
  }
  const said = (ending.out.trim() === '' ? ending.err : ending.out).trim().slice(0, 512)
  return { plugin, code: ERRORS.DelegateFailed.cni, msg: `it ended with ${ending.how}${said === '' ? '' : `: ${said}`}` }
}
