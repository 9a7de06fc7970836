// Decides how one plugin is executed and what its exit means (CNI spec 1.1, "Plugin Execution"). Never decides which plugin runs next.
import { checkedType } from '#api/cni/plugin-config'
import { ERRORS } from '#api/errors'
import { type JsonObject, sentenceOf } from '#api/json'
import { shown } from '#api/json-path'
import { MAX_RESULT_BYTES } from '#api/limits'
import type { DelegateError } from '#api/socket'
import type { Call, Verb } from './call.ts'
import { isObject, parseObject } from './read-json.ts'
import type { Executed, System } from './system.ts'

/** The CNI variables of one execution. Absent ones are not set at all. */
export interface DelegateEnvironment {
  readonly CNI_COMMAND: Verb
  readonly CNI_CONTAINERID?: string
  readonly CNI_NETNS?: string
  readonly CNI_IFNAME?: string
  readonly CNI_ARGS?: string
}

export interface DelegateRun {
  readonly plugin: JsonObject
  readonly env: DelegateEnvironment
  readonly timeoutMs: number
  /** Searched after CNI_PATH. */
  readonly binDirs: readonly string[]
}

/** `started`: whether the plugin was executed at all; what never was has left nothing to undo. */
export type DelegateOutcome =
  | { readonly ok: true; readonly result: JsonObject }
  | { readonly ok: false; readonly started: boolean; readonly error: DelegateError }

/** What the runtime said to us; a delegate is told anew. */
const OWN_VARIABLES = ['CNI_COMMAND', 'CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_ARGS', 'CNI_PATH']
/** A message goes to the runtime, the record, the spool and an event: some plugins print a whole dump. */
const MAX_MESSAGE = 4096
const BUSY_RETRIES = 5
const BUSY_PAUSE_MS = 1000

/** Runs one plugin. Its result gets the conf's cniVersion when it names none; `null` is an empty result. */
export function runDelegate(system: System, call: Call, run: DelegateRun): DelegateOutcome {
  const type = checkedType(run.plugin['type'], 'type')
  if (typeof type !== 'string') return notStarted(shown(run.plugin['type']), 'InvalidConfig', sentenceOf(type))
  const folders = [...new Set([...call.path, ...run.binDirs])]
  const file = folders.map((folder) => `${folder}/${type}`).find((path) => system.files.identity(path) !== undefined)
  if (file === undefined) return notStarted(type, 'PluginMissing', `it is in none of ${folders.join(', ')}; install it on this node`)
  const execution = {
    file,
    env: { ...withoutCni(call.environ), ...run.env, CNI_PATH: folders.join(':') },
    input: JSON.stringify(run.plugin),
    timeoutMs: run.timeoutMs,
    maxBytes: MAX_RESULT_BYTES,
  }
  const until = system.clock.boottime() + run.timeoutMs
  let done = system.processes.run(execution)
  // A plugin that is being installed cannot be executed for a moment; libcni waits the same way. Never longer than the plugin itself may take.
  for (let retry = 0; retry < BUSY_RETRIES && done.kind === 'not-started' && done.reason === 'busy'; retry += 1) {
    if (system.clock.boottime() + BUSY_PAUSE_MS >= until) break
    system.clock.pause(BUSY_PAUSE_MS)
    done = system.processes.run({ ...execution, timeoutMs: Math.round(until - system.clock.boottime()) })
  }
  return outcomeOf(type, done, run)
}

function withoutCni(environ: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environ).filter(([key]) => !OWN_VARIABLES.includes(key)))
}

function outcomeOf(type: string, done: Executed, run: DelegateRun): DelegateOutcome {
  switch (done.kind) {
    case 'exited':
      return done.code === 0 ? printed(type, done.stdout, run) : { ok: false, started: true, error: printedError(type, done) }
    case 'killed':
      return refused(type, 'DelegateFailed', `it was ended by signal ${done.signal}; the kernel log of this node may say why`)
    case 'timeout':
      return refused(type, 'DelegateTimeout', `it did not end within ${run.timeoutMs / 1000} s and was killed; see what it waits for`)
    case 'too-much-output':
      return refused(type, 'Undecodable', `it printed more than ${MAX_RESULT_BYTES} bytes; a result is smaller`)
    case 'not-started':
      return notStarted(
        type,
        done.reason === 'absent' ? 'PluginMissing' : 'Io',
        `it could not be executed (${done.cause}); see its file on this node`,
      )
    default:
      return done satisfies never
  }
}

function printed(type: string, stdout: string, run: DelegateRun): DelegateOutcome {
  if (run.env.CNI_COMMAND !== 'ADD') return { ok: true, result: {} }
  const text = stdout.trim()
  const result = text === 'null' || text === '' ? {} : parseObject(text)
  if (result === undefined)
    return refused(type, 'Undecodable', 'it printed something that is not a result; a plugin prints one JSON object')
  const cniVersion = result['cniVersion'] ?? ''
  return { ok: true, result: cniVersion === '' ? { ...result, cniVersion: run.plugin['cniVersion'] ?? '' } : result }
}

/** The plugin's own error. Without one its exit status is all that is known. */
function printedError(type: string, done: { readonly code: number; readonly stdout: string }): DelegateError {
  const error = parseObject(done.stdout)
  const { code, msg, details } = error ?? {}
  if (!isObject(error) || typeof code !== 'number' || !Number.isInteger(code) || code <= 0 || typeof msg !== 'string') {
    const msg = `it ended with exit status ${done.code} and printed no CNI error; the runtime's log may hold its stderr`
    return { plugin: type, code: ERRORS.DelegateFailed.cni, msg }
  }
  const told = typeof details === 'string' && details !== '' ? `${msg}; ${details}` : msg
  return { plugin: type, code, msg: told.length > MAX_MESSAGE ? `${told.slice(0, MAX_MESSAGE - 1)}…` : told }
}

function refused(type: string, code: keyof typeof ERRORS, msg: string): DelegateOutcome {
  return { ok: false, started: true, error: { plugin: type, code: ERRORS[code].cni, msg } }
}

function notStarted(type: string, code: keyof typeof ERRORS, msg: string): DelegateOutcome {
  return { ok: false, started: false, error: { plugin: type, code: ERRORS[code].cni, msg } }
}
