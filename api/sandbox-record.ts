// Decides what the durable record of one sandbox holds and which state follows which. Types and pure transitions; files are written elsewhere.
import type { JsonObject } from './json.ts'
import type { RecordedAttachment } from './socket.ts'

/** planned: delegates may run. attached: the runtime was told success. deleting: some attachment is still to be detached. gone: tombstone. */
export type SandboxState = 'planned' | 'attached' | 'deleting' | 'gone'

/** The pod a sandbox belongs to, from CNI_ARGS. Empty strings when the runtime did not say. */
export interface PodIdentity {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

/** `/var/lib/plexus/sandboxes/<containerId>.json`. */
export interface SandboxRecord {
  readonly version: 1
  readonly containerId: string
  readonly state: SandboxState
  /** Who created it: the agent, or the shim while the agent was away (PrimaryOnly). */
  readonly origin: 'agent' | 'shim'
  readonly pod: PodIdentity
  readonly netns: string
  /** CNI_IFNAME of the runtime. */
  readonly ifName: string
  readonly cniVersion: string
  readonly binDirs: readonly string[]
  readonly bootId: string
  /** CLOCK_BOOTTIME in ms of the last change; comparable only within `bootId`. */
  readonly changedAt: number
  /** Wall clock of the last change, RFC 3339, for people. */
  readonly changed: string
  /** In ADD order. A detached one is removed. */
  readonly attachments: readonly RecordedAttachment[]
  /** The pod's networks annotation that the attachments answer to. Absent: made without the agent, for a pod that asks for nothing. */
  readonly annotation?: string
  /** network-status still to be written to the pod (durable retry). */
  readonly statusPending?: boolean
  /** The pod asked in the TKE form: its status is written under the TKE key as well. */
  readonly tkeStatus?: boolean
  /** Last failure of a DEL, for people. */
  readonly lastError?: string
}

/** `/var/lib/plexus/spool/<containerId>-<boottime>.json`: what a shim did while the agent was away. */
export interface SpoolEntry {
  readonly version: 1
  readonly containerId: string
  readonly ifName: string
  readonly netns: string
  readonly cniArgs: string
  readonly outcomes: readonly {
    readonly network: string
    readonly ifName: string
    readonly error?: { readonly plugin: string; readonly code: number; readonly msg: string }
  }[]
  /** False when nothing was executed: the agent must do the DEL itself. */
  readonly executed: boolean
  /** Of the DEL that was not executed: it holds the pod's annotations, from which a lost record is made anew. */
  readonly runtimeConfig?: JsonObject
}

/** Most entries a spool may hold; the next DEL fails so that the runtime tries again. */
export const MAX_SPOOL_ENTRIES = 256

/** Where state lives on a node, below the directories that the conf names. */
export const STATE_DIR = '/var/lib/plexus'
export const RUN_DIR = '/run/plexus'
export const SANDBOX_DIR = 'sandboxes'
export const SPOOL_DIR = 'spool'
export const LOCK_DIR = 'locks'
export const SOCKET_PATH = 'cni/plexus.sock'
export const READY_FILE = 'ready'
export const NODE_FILE = 'node.json'
