// Decides how a DEL that the agent did not see is left for it: one file per sandbox, bounded in number. Never executes anything.
import { MAX_SPOOL_ENTRIES, SPOOL_DIR, type SpoolEntry } from '#api/sandbox-record'
import type { DetachOutcome } from '#api/socket'
import type { Call } from './call.ts'
import { type Failure, failure } from './failure.ts'
import { isObject } from './read-json.ts'
import type { System } from './system.ts'

/** Where this sandbox's entry goes. A repeated DEL replaces the entry it left before, so a runtime that retries fills nothing. */
export type Slot = { readonly ok: true; readonly path: string } | Failure

/** To be called before anything is executed: the 257th sandbox fails loudly. */
export function openSlot(system: System, call: Call): Slot {
  const folder = `${call.stateDir}/${SPOOL_DIR}`
  const names = system.files.list(folder).filter((name) => name.endsWith('.json'))
  const own = names.find((name) => name.slice(0, name.lastIndexOf('-')) === call.containerId)
  if (own !== undefined) return { ok: true, path: `${folder}/${own}` }
  if (names.length >= MAX_SPOOL_ENTRIES) {
    return failure('SpoolFull', `${folder} holds ${names.length} deletions that wait for the Plexus agent of this node; start the agent`)
  }
  const made = system.files.makeFolder(folder)
  if (!made.ok) return failure('Io', `${folder}: it cannot be made (${made.cause}); see the disk of this node`)
  return { ok: true, path: `${folder}/${call.containerId}-${Math.floor(call.startedAt)}.json` }
}

/** Leaves the entry, on disk before this returns. `executed: false` asks the agent to do the DEL itself. */
export function spool(
  system: System,
  call: Call,
  entry: { readonly path: string; readonly outcomes: readonly DetachOutcome[]; readonly executed: boolean },
): Failure | undefined {
  const { path, outcomes, executed } = entry
  const { containerId, ifName, netns, args: cniArgs } = call
  const { runtimeConfig } = call.config
  // From the pod's annotations in it the agent finds out what there was to detach.
  const asked = !executed && isObject(runtimeConfig) ? { runtimeConfig } : {}
  const text = JSON.stringify({ version: 1, containerId, ifName, netns, cniArgs, outcomes, executed, ...asked } satisfies SpoolEntry)
  const written = system.files.replace(path, text)
  return written.ok ? undefined : failure('Io', `${path}: it cannot be written (${written.cause}); see the disk of this node`)
}
