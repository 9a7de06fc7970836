// Decides where the shim reads what the agent left for it: node file, ready file, boot id. Never decides what follows from them.
import type { JsonObject } from '#api/json'
import type { NodeFile, ReadyFile } from '#api/node-file'
import { NODE_FILE, READY_FILE } from '#api/sandbox-record'
import type { Call } from './call.ts'
import { parseNodeFile, parseReady } from './guards.ts'
import { parseObject } from './read-json.ts'
import type { System } from './system.ts'

const BOOT_ID = '/proc/sys/kernel/random/boot_id'

export function readNodeFile(system: System, call: Call): NodeFile | undefined {
  return readAs(system, `${call.stateDir}/${NODE_FILE}`, parseNodeFile)
}

export function readReadyFile(system: System, call: Call): ReadyFile | undefined {
  return readAs(system, `${call.runDir}/${READY_FILE}`, parseReady)
}

/** This boot's id; empty when the kernel shows none. */
export function bootId(system: System): string {
  const file = system.files.read(BOOT_ID)
  return file.kind === 'text' ? file.text.trim().toLowerCase() : ''
}

function readAs<T>(system: System, path: string, parse: (object: JsonObject) => T | undefined): T | undefined {
  const file = system.files.read(path)
  const object = file.kind === 'text' ? parseObject(file.text) : undefined
  return object === undefined ? undefined : parse(object)
}
