// Decides whether environment and stdin make a valid CNI call (CNI spec 1.1, "Parameters"). Pure: never executes anything.
import { type CniVersion, CNI_VERSIONS, isAtLeast, isCniVersion } from '#api/cni/version'
import { parseContainerId, parseIfName } from '#api/ids'
import type { JsonObject } from '#api/json'
import { RUN_DIR, STATE_DIR } from '#api/sandbox-record'
import type { CniEnvironment } from '#api/socket'
import { type Failure, failure } from './failure.ts'
import { parseObject } from './read-json.ts'

export type Verb = 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS'

/** A CNI call that may be carried out. Texts that a verb does not need are empty. */
export interface Call {
  readonly verb: Verb
  readonly containerId: string
  readonly netns: string
  readonly ifName: string
  readonly args: string
  /** CNI_PATH, one folder an entry. */
  readonly path: readonly string[]
  readonly cniVersion: CniVersion
  readonly config: JsonObject
  readonly stateDir: string
  readonly runDir: string
  /** The whole environment: delegates get it with their own CNI variables. */
  readonly environ: Readonly<Record<string, string>>
  /** CLOCK_BOOTTIME in ms of our start. */
  readonly startedAt: number
}

const VARIABLES = {
  ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
  CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
  DEL: ['CNI_CONTAINERID', 'CNI_IFNAME', 'CNI_PATH'],
  GC: ['CNI_PATH'],
  STATUS: ['CNI_PATH'],
} as const satisfies Record<Verb, readonly (keyof CniEnvironment)[]>

const SINCE = { ADD: '0.1.0', DEL: '0.1.0', CHECK: '0.4.0', GC: '1.1.0', STATUS: '1.1.0' } as const satisfies Record<Verb, CniVersion>

export interface Input {
  readonly environ: Readonly<Record<string, string>>
  readonly stdin: string
  readonly startedAt: number
}

export function isVerb(text: string): text is Verb {
  return Object.hasOwn(VARIABLES, text)
}

/** Parses a call of `verb`; a failure has the CNI spec's code 1, 4, 6 or 7. */
export function parseCall(verb: Verb, input: Input): { readonly ok: true; readonly call: Call } | Failure {
  const { environ } = input
  const variable = (name: keyof CniEnvironment): string => environ[name] ?? ''
  const missing = VARIABLES[verb].filter((name) => variable(name) === '')
  if (missing.length > 0)
    return failure('InvalidEnvironment', `${missing.join(', ')} must be set for ${verb}; the runtime leaves them empty`)
  const needsSandbox = verb !== 'GC' && verb !== 'STATUS'
  if (needsSandbox && parseContainerId(variable('CNI_CONTAINERID')) === undefined) {
    return failure(
      'InvalidEnvironment',
      `CNI_CONTAINERID ${JSON.stringify(variable('CNI_CONTAINERID'))} is not a container id; use letters, digits, ".", "_" or "-"`,
    )
  }
  if (needsSandbox && parseIfName(variable('CNI_IFNAME')) === undefined) {
    return failure(
      'InvalidEnvironment',
      `CNI_IFNAME ${JSON.stringify(variable('CNI_IFNAME'))} is not an interface name; use 1 to 15 characters without "/", ":" and blanks`,
    )
  }
  const conf = parseConf(verb, input.stdin)
  if (!conf.ok) return conf
  return {
    ok: true,
    call: {
      ...conf,
      verb,
      containerId: variable('CNI_CONTAINERID'),
      netns: variable('CNI_NETNS'),
      ifName: variable('CNI_IFNAME'),
      args: variable('CNI_ARGS'),
      path: variable('CNI_PATH')
        .split(':')
        .filter((folder) => folder.startsWith('/')),
      environ,
      startedAt: input.startedAt,
    },
  }
}

type Conf = { readonly ok: true } & Pick<Call, 'config' | 'cniVersion' | 'stateDir' | 'runDir'>

function parseConf(verb: Verb, stdin: string): Conf | Failure {
  const config = parseObject(stdin)
  if (config === undefined) return failure('Undecodable', 'stdin is not a JSON object; the runtime must pass the network configuration')
  const { name, cniVersion = '0.1.0', stateDir = STATE_DIR, runDir = RUN_DIR } = config
  if (typeof name !== 'string' || name === '')
    return failure('InvalidConfig', 'name: it is missing in the network configuration; write one')
  if (typeof cniVersion !== 'string' || !isCniVersion(cniVersion)) {
    return failure(
      'IncompatibleCniVersion',
      `cniVersion: ${JSON.stringify(cniVersion)} is not supported; use one of ${CNI_VERSIONS.join(', ')}`,
    )
  }
  if (!isAtLeast(cniVersion, SINCE[verb])) {
    return failure('IncompatibleCniVersion', `cniVersion: ${cniVersion} has no ${verb}; use ${SINCE[verb]} or newer`)
  }
  if (!isFolder(stateDir)) return failure('InvalidConfig', `stateDir: ${JSON.stringify(stateDir)} is not an absolute path; write one`)
  if (!isFolder(runDir)) return failure('InvalidConfig', `runDir: ${JSON.stringify(runDir)} is not an absolute path; write one`)
  return { ok: true, config, cniVersion, stateDir, runDir }
}

function isFolder(value: unknown): value is string {
  return typeof value === 'string' && /^\/[^\0]*[^/\0]$/.test(value)
}

/** What the agent needs of the environment. Absent variables stay absent. */
export function environmentOf(call: Call): CniEnvironment {
  const names = ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_ARGS', 'CNI_PATH'] as const
  return Object.fromEntries(names.flatMap((name) => (call.environ[name] === undefined ? [] : [[name, call.environ[name]]])))
}
