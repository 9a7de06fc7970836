// Holds what the operations of hotplug share. Decides nothing.
import type { SandboxRecord } from '#api/sandbox-record'
import type { AttachContext } from '../attach/attach-context.ts'
import type { PluginAdder, PluginRunner } from '../delegates/plugin-process.ts'
import type { SandboxLock } from '../delegates/sandbox-lock.ts'

export interface HotplugContext extends AttachContext {
  readonly runner: PluginRunner & PluginAdder
  /** Directory of the sandboxes' locks. */
  readonly lockDir: string
}

/** One sandbox whose turn and lock are held. */
export interface HeldSandbox {
  readonly record: SandboxRecord
  readonly lock: SandboxLock
  readonly signal: AbortSignal
}

/** What a step left: the record as it is on disk now, and why it must be done again. */
export interface Step {
  readonly record: SandboxRecord
  /** Sentences; empty when everything succeeded. */
  readonly failures: readonly string[]
}
