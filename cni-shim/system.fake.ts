// In-memory System for tests: files in a map, delegates as functions, an agent as a table of answers. Records what the shim did, in order.
import { parseObject } from './read-json.ts'
import type { Exchanged, Executed, Execution, System, Written } from './system.ts'

export type FakeAgent = (path: string, body: Record<string, unknown>) => { readonly status?: number; readonly body: object } | 'lost'

export interface FakeSystem extends System {
  readonly contents: Map<string, string>
  /** One line a step: `lock …`, `POST /v1/plan`, `ADD bridge eth0`, `write …`. */
  readonly steps: string[]
  readonly executions: Execution[]
  /** `deadline`: until when the shim waits for the answer. */
  readonly bodies: { readonly path: string; readonly body: Record<string, unknown>; readonly deadline: number }[]
  now: number
  lockIsBusy: boolean
  /** The agent is away before this time. */
  awayUntil: number
}

export interface FakeOptions {
  /** undefined: the agent is away. */
  readonly agent?: FakeAgent
  readonly files?: Readonly<Record<string, string>>
  /** What a plugin does; prints an address on the interface unless told. */
  readonly plugin?: (type: string, execution: Execution) => Executed | undefined
  /** Paths below which nothing can be written. */
  readonly readOnly?: string
}

const BOOT_ID = '11111111-2222-3333-4444-555555555555'
export const BIN = '/opt/cni/bin'

export function fakeSystem(options: FakeOptions = {}): FakeSystem {
  const contents = new Map(Object.entries({ '/proc/sys/kernel/random/boot_id': `${BOOT_ID}\n`, ...options.files }))
  const write = (path: string, text: string, exclusive: boolean): Written => {
    if (options.readOnly !== undefined && path.startsWith(options.readOnly))
      return { ok: false, exists: false, cause: 'Read-only file system' }
    if (exclusive && contents.has(path)) return { ok: false, exists: true, cause: 'File exists' }
    contents.set(path, text)
    const state = parseObject(text)?.['state']
    fake.steps.push(typeof state === 'string' ? `write ${path} ${state}` : `write ${path}`)
    return { ok: true }
  }
  const fake: FakeSystem = {
    contents,
    steps: [],
    executions: [],
    bodies: [],
    now: 1_000_000,
    lockIsBusy: false,
    awayUntil: 0,
    clock: { boottime: () => fake.now, wallclock: () => '2026-11-21T00:00:00.000Z', pause: (ms) => void (fake.now += ms) },
    files: {
      read: (path) => {
        const text = contents.get(path)
        return text === undefined ? { kind: 'absent' } : { kind: 'text', text }
      },
      create: (path, text) => write(path, text, true),
      replace: (path, text) => write(path, text, false),
      append: (path, text) => {
        contents.set(path, (contents.get(path) ?? '') + text)
        return { ok: true }
      },
      list: (folder) => [...contents.keys()].filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1)),
      makeFolder: () => ({ ok: true }),
      identity: (path) => (path.startsWith(`${BIN}/`) && !path.endsWith('/missing') ? path : contents.get(path)),
    },
    locks: { acquire: (path) => (fake.steps.push(`lock ${path}`), fake.lockIsBusy ? { kind: 'busy' } : { kind: 'held' }) },
    processes: { run: (execution) => runFake(fake, options, execution) },
    agent: {
      connect: () => {
        const { agent } = options
        if (agent === undefined || fake.now < fake.awayUntil) return { kind: 'away', cause: 'Connection refused' }
        return { kind: 'connected', connection: { exchange: (request, { deadline }) => exchange(fake, agent, { request, deadline }) } }
      },
    },
  }
  return fake
}

function runFake(fake: FakeSystem, options: FakeOptions, execution: Execution): Executed {
  const type = execution.file.slice(execution.file.lastIndexOf('/') + 1)
  const { CNI_COMMAND = '', CNI_IFNAME = '' } = execution.env
  fake.steps.push(`${CNI_COMMAND} ${type} ${CNI_IFNAME}`.trim())
  fake.executions.push(execution)
  const done = options.plugin?.(type, execution)
  return done ?? { kind: 'exited', code: 0, stdout: CNI_COMMAND === 'ADD' ? JSON.stringify(fakeResult(CNI_IFNAME, type)) : '' }
}

/** What a fake plugin prints; `dns.domain` says which plugin it was. */
export function fakeResult(ifName: string, plugin: string): object {
  const sandbox = '/run/netns/a'
  return {
    cniVersion: '1.0.0',
    interfaces: [{ name: ifName, sandbox }],
    ips: [{ address: '10.1.0.2/24', interface: 0 }],
    dns: { domain: plugin },
  }
}

function exchange(
  fake: FakeSystem,
  agent: FakeAgent,
  { request, deadline }: { readonly request: string; readonly deadline: number },
): Exchanged {
  const path = request.split(' ')[1] ?? ''
  const body = { ...parseObject(request.slice(request.indexOf('\r\n\r\n') + 4)) }
  fake.steps.push(`POST ${path}`)
  fake.bodies.push({ path, body, deadline })
  const answer = agent(path, body)
  if (answer === 'lost') return { kind: 'lost', cause: 'Connection reset by peer' }
  const { status = 200 } = answer
  return { kind: 'answer', text: `HTTP/1.1 ${status} Whatever\r\nConnection: close\r\n\r\n${JSON.stringify(answer.body)}` }
}
