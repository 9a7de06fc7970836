// A node in a temporary folder for tests of the real binary: delegates that are shell scripts, and a node:http server in the agent's place.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'

export interface Ended {
  readonly code: number | null
  readonly out: Record<string, unknown> | undefined
  readonly stderr: string
}

export interface Running {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
}

export interface World {
  readonly folder: string
  readonly state: string
  readonly run: string
  /** What delegates and agent saw, in order: `POST /v1/plan`, `ADD bridge eth0`. */
  calls(): readonly string[]
  /** Shell lines that a delegate runs at a verb, before it answers. */
  on(plugin: string, verb: string, lines: string): void
  stdinOf(plugin: string, verb: string): Record<string, unknown>
  /** Serves the agent's socket. `undefined` ends the connection without an answer. */
  agent(answer: (path: string, body: Record<string, unknown>) => object | undefined): Promise<void>
  start(verb: string, change?: { readonly env?: Readonly<Record<string, string>>; readonly conf?: object }): Running
  close(): Promise<void>
}

const SCRIPT = `#!/bin/sh
name=\${0##*/}
printf '%s %s %s\\n' "$CNI_COMMAND" "$name" "$CNI_IFNAME" >> "$WORLD/calls"
[ -f "$WORLD/first.$name.$CNI_COMMAND" ] && . "$WORLD/first.$name.$CNI_COMMAND"
cat > "$WORLD/stdin.$name.$CNI_COMMAND"
[ "$CNI_COMMAND" = ADD ] || exit 0
printf '{"cniVersion":"1.0.0","interfaces":[{"name":"%s","sandbox":"%s"}],"ips":[{"address":"10.1.0.2/24","interface":0}]}' "$CNI_IFNAME" "$CNI_NETNS"
`

/** Builds the shim through the cached toolchain and returns its path. */
export async function buildShim(folder: string): Promise<string> {
  const out = join(folder, 'plexus')
  await promisify(execFile)(process.execPath, [resolve(import.meta.dirname, '../build/main.ts'), '--out', out])
  return out
}

export function openWorld(shim: string): World {
  const folder = mkdtempSync(join(tmpdir(), 'shim-'))
  const [state, run, bin] = ['state', 'run', 'bin'].map((name) => join(folder, name)) as [string, string, string]
  for (const path of [state, join(run, 'cni'), bin]) mkdirSync(path, { recursive: true })
  for (const plugin of ['bridge', 'portmap', 'macvlan']) {
    writeFileSync(join(bin, plugin), SCRIPT)
    chmodSync(join(bin, plugin), 0o755)
  }
  writeFileSync(join(folder, 'calls'), '')
  let server: Server | undefined
  return {
    folder,
    state,
    run,
    calls: () =>
      readFileSync(join(folder, 'calls'), 'utf8')
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean),
    on: (plugin, verb, lines) => writeFileSync(join(folder, `first.${plugin}.${verb}`), lines),
    stdinOf: (plugin, verb): Record<string, unknown> => JSON.parse(readFileSync(join(folder, `stdin.${plugin}.${verb}`), 'utf8')),
    agent: async (answer) => {
      const path = join(run, 'cni/plexus.sock')
      const started = createServer((request, response) => void serve(request, response, { folder, answer }))
      server = started
      await new Promise<void>((listening) => started.listen(path, listening))
    },
    start: (verb, change = {}) => {
      const env = { PATH: process.env['PATH'] ?? '', WORLD: folder, ...callEnvironment(bin), CNI_COMMAND: verb, ...change.env }
      const child = spawn(shim, { env, stdio: ['pipe', 'pipe', 'pipe'] })
      child.stdin.end(JSON.stringify({ cniVersion: '1.1.0', name: 'plexus', type: 'plexus', stateDir: state, runDir: run, ...change.conf }))
      return { process: child, ended: endOf(child) }
    },
    close: async () => {
      const { promise, resolve: closed } = Promise.withResolvers<void>()
      if (server === undefined) closed()
      else server.close(() => closed())
      server?.closeAllConnections()
      await promise
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function callEnvironment(bin: string): Readonly<Record<string, string>> {
  return {
    CNI_CONTAINERID: 'abc',
    CNI_NETNS: '/run/netns/absent',
    CNI_IFNAME: 'eth0',
    CNI_ARGS: 'K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web',
    CNI_PATH: bin,
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  options: { readonly folder: string; readonly answer: (path: string, body: Record<string, unknown>) => object | undefined },
): Promise<void> {
  const { url = '' } = request
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  writeFileSync(join(options.folder, 'calls'), `POST ${url}\n`, { flag: 'a' })
  const body: Record<string, unknown> = JSON.parse(Buffer.concat(chunks).toString())
  const answer = options.answer(url, body)
  if (answer === undefined) return void request.socket.destroy()
  response.statusCode = 'code' in answer ? 500 : 200
  response.end(JSON.stringify(answer))
}

function endOf(child: ChildProcess): Promise<Ended> {
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (data: Buffer) => (stdout += data.toString()))
  child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()))
  const { promise, resolve: ended, reject } = Promise.withResolvers<Ended>()
  child.on('error', reject)
  child.on('close', (code) => ended({ code, out: stdout === '' ? undefined : parsed(stdout), stderr }))
  return promise
}

function parsed(text: string): Record<string, unknown> {
  const value: Record<string, unknown> = JSON.parse(text)
  return value
}

/** Waits for something another process does; throws after ten seconds, so that no test leaves a loop behind. */
export async function until(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 10_000; !holds(); await new Promise((again) => setTimeout(again, 5))) {
    if (performance.now() > end) throw new Error(`this did not come true: ${holds.toString()}`)
  }
}

export function writeUnder(path: string, text: string): void {
  if (!existsSync(dirname(path))) mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
