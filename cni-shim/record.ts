// Decides how the shim reads the sandbox record, and writes one while the agent is away. Whoever creates the record owns the ADD.
import type { JsonObject } from '#api/json'
import { SANDBOX_DIR, type SandboxRecord } from '#api/sandbox-record'
import type { RecordedAttachment } from '#api/socket'
import type { Call } from './call.ts'
import { type Failure, failure } from './failure.ts'
import { type KnownRecord, parseRecord } from './guards.ts'
import { bootId } from './node-state.ts'
import { podOf } from './primary.ts'
import { parseObject } from './read-json.ts'
import type { System } from './system.ts'

export type ReadRecord =
  | { readonly kind: 'record'; readonly record: KnownRecord }
  | { readonly kind: 'absent' }
  | { readonly kind: 'corrupt' }

export function readRecord(system: System, call: Call): ReadRecord {
  const file = system.files.read(pathOf(call))
  if (file.kind === 'absent') return { kind: 'absent' }
  const object: JsonObject | undefined = file.kind === 'text' ? parseObject(file.text) : undefined
  const record = object === undefined ? undefined : parseRecord(object)
  return record === undefined ? { kind: 'corrupt' } : { kind: 'record', record }
}

/** A record of a sandbox that the shim attaches on its own. */
export interface OwnRecord {
  readonly state: SandboxRecord['state']
  readonly attachments: readonly RecordedAttachment[]
  readonly binDirs: readonly string[]
  readonly lastError?: string
}

/** Creates the `planned` record, on disk before this returns. Refuses a sandbox that somebody owns or whose DEL came first. */
export function claimSandbox(system: System, call: Call, own: OwnRecord): Failure | undefined {
  const path = pathOf(call)
  const folder = system.files.makeFolder(`${call.stateDir}/${SANDBOX_DIR}`)
  const created = folder.ok ? system.files.create(path, recordText(system, call, own)) : folder
  if (created.ok) return undefined
  if (!created.exists) return cannotWrite(path, created.cause)
  const found = readRecord(system, call)
  if (found.kind === 'record' && found.record.state === 'gone') {
    const overtaken = found.record.bootId === bootId(system) && call.startedAt <= found.record.changedAt
    if (!overtaken) return writeRecord(system, call, own)
    return failure('SandboxOwned', `sandbox ${call.containerId} was deleted while its ADD waited; the runtime must make a new one`)
  }
  return failure('SandboxOwned', `sandbox ${call.containerId} is already recorded in ${path}; the runtime must delete it first`)
}

/** Replaces the record. */
export function writeRecord(system: System, call: Call, own: OwnRecord): Failure | undefined {
  const path = pathOf(call)
  const written = system.files.replace(path, recordText(system, call, own))
  return written.ok ? undefined : cannotWrite(path, written.cause)
}

function recordText(system: System, call: Call, own: OwnRecord): string {
  const { containerId, netns, ifName, cniVersion } = call
  const record: SandboxRecord = {
    ...own,
    version: 1,
    containerId,
    origin: 'shim',
    pod: podOf(call),
    netns,
    ifName,
    cniVersion,
    bootId: bootId(system),
    changedAt: system.clock.boottime(),
    changed: system.clock.wallclock(),
  }
  return JSON.stringify(record)
}

function pathOf(call: Call): string {
  return `${call.stateDir}/${SANDBOX_DIR}/${call.containerId}.json`
}

function cannotWrite(path: string, cause: string): Failure {
  return failure('Io', `${path}: it cannot be written (${cause}); see the disk of this node`)
}
