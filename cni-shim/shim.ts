// Decides what the shim prints and how it ends, whatever it is asked (CNI spec 1.1, "Execution Protocol").
import { CNI_VERSIONS, NEWEST_CNI_VERSION } from '#api/cni/version'
import type { CniError } from '#api/errors'
import { add } from './add.ts'
import { type Call, type Input, isVerb, parseCall, type Verb } from './call.ts'
import { check } from './check.ts'
import { del } from './del.ts'
import { type Answer, failure, withoutAbsence } from './failure.ts'
import { collectGarbage } from './garbage.ts'
import { logFile, writeLog } from './log.ts'
import { parseObject } from './read-json.ts'
import { status } from './status.ts'
import type { System } from './system.ts'

export interface Ending {
  readonly exitCode: 0 | 1
  readonly stdout: string
  readonly stderr: string
}

const VERBS = { ADD: add, DEL: del, CHECK: check, GC: collectGarbage, STATUS: status } as const satisfies Record<
  Verb,
  (system: System, call: Call) => Answer
>

/** Carries out one CNI call to its end. Never throws. `about` is printed when nothing is asked. */
export function shim(system: System, input: Input & { readonly about: string }): Ending {
  const command = input.environ['CNI_COMMAND'] ?? ''
  if (command === '')
    return { exitCode: 0, stdout: '', stderr: `${input.about}\nCNI protocol versions supported: ${CNI_VERSIONS.join(', ')}\n` }
  const answer = answerTo(system, command, input)
  if (answer.ok) return { exitCode: 0, stdout: answer.stdout === undefined ? '' : `${JSON.stringify(answer.stdout)}\n`, stderr: '' }
  const error: CniError = { cniVersion: versionOf(input.stdin), ...(command === 'DEL' ? withoutAbsence(answer.error) : answer.error) }
  return { exitCode: 1, stdout: `${JSON.stringify(error)}\n`, stderr: '' }
}

function answerTo(system: System, command: string, input: Input): Answer {
  if (command === 'VERSION') return { ok: true, stdout: { cniVersion: versionOf(input.stdin), supportedVersions: CNI_VERSIONS } }
  if (!isVerb(command)) {
    return failure('InvalidEnvironment', `CNI_COMMAND ${JSON.stringify(command)} is unknown; use ADD, DEL, CHECK, GC, STATUS or VERSION`)
  }
  const parsed = parseCall(command, input)
  if (!parsed.ok) return parsed
  const { call } = parsed
  const answer = sharesOurNetns(system, call)
    ? failure('InvalidEnvironment', `CNI_NETNS ${call.netns} is the network namespace of the node itself; the runtime must pass the pod's`)
    : carryOut(system, call)
  writeLog(system, call, answer)
  return answer
}

function carryOut(system: System, call: Call): Answer {
  try {
    return VERBS[call.verb](system, call)
  } catch (error) {
    const bug = error instanceof Error ? `${error.name}: ${error.message}\n${error.stack ?? ''}` : String(error)
    return { ...failure('Internal', `an internal error occurred in the shim; ${logFile(call)} on this node says more`), bug }
  }
}

/** A mistake of the runtime that would take the node's own interfaces away. */
function sharesOurNetns(system: System, call: Call): boolean {
  const override = ['1', 'TRUE'].includes((call.environ['CNI_NETNS_OVERRIDE'] ?? '').toUpperCase())
  if (call.netns === '' || override || call.verb === 'GC' || call.verb === 'STATUS') return false
  const theirs = system.files.identity(call.netns)
  return theirs !== undefined && theirs === system.files.identity('/proc/self/ns/net')
}

function versionOf(stdin: string): string {
  const cniVersion = parseObject(stdin)?.['cniVersion']
  return typeof cniVersion === 'string' && cniVersion !== '' ? cniVersion : NEWEST_CNI_VERSION
}
