// Decides the words shim and agent exchange over the socket (docs/adr/0002). Types only: the shim guards by hand, the agent with api/socket-schema.ts.
import type { JsonObject } from './json.ts'
import type { DeviceInfo } from './network-status.ts'

/** Version in every request. An agent serves this one and the one before. */
export const PROTOCOL = 1

/** Largest request or answer in bytes. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024

/** The CNI environment, passed on as the runtime gave it. Absent variables are absent keys. */
export interface CniEnvironment {
  readonly CNI_CONTAINERID?: string
  readonly CNI_NETNS?: string
  readonly CNI_IFNAME?: string
  readonly CNI_ARGS?: string
  readonly CNI_PATH?: string
}

/** `POST /v1/plan`, `/v1/del`, `/v1/check`. */
export interface OperationRequest {
  readonly protocol: number
  readonly env: CniEnvironment
  /** The runtime's stdin, parsed. */
  readonly config: JsonObject
  /** CLOCK_BOOTTIME in ms when the shim started, before it waited for the lock. */
  readonly startedAt: number
  /** CLOCK_BOOTTIME in ms after which the shim no longer waits for the answer. */
  readonly deadline: number
}

/** One network of one sandbox, ready to execute: nothing is left for the shim to decide. */
export interface PlannedAttachment {
  /** Name in network-status: `namespace/name` of the NAD, or the primary's conf name. */
  readonly network: string
  readonly ifName: string
  readonly primary: boolean
  /** `required: false` lets ADD go on without it. */
  readonly required: boolean
  /** CNI_ARGS for every plugin of this attachment. */
  readonly cniArgs: string
  /** stdin of each plugin in ADD order, complete except for prevResult. Each has `type`, `cniVersion`, `name`. */
  readonly plugins: readonly JsonObject[]
  /** Limit of each plugin execution in ms. */
  readonly timeoutMs: number
  /** Only where an element of the pod's networks annotation asked for it: all it asked for besides network and interface, to tell a later edit. */
  readonly asked?: JsonObject
  /** For the agent alone: what it hands out and cleans up. */
  readonly device?: AttachedDevice
  /** What the pod asked about default routes over this network; the agent does it at commit. */
  readonly defaultRoute?: DefaultRoute
  /** The network's list says `disableCheck`: nobody compares it. */
  readonly disableCheck?: true
  /** The network's list says `disableGC`: its plugins are never asked GC. */
  readonly disableGC?: true
}

/** Gateways of the pod's default routes over one interface, at most one of a family. None: the interface shall have no default route. */
export interface DefaultRoute {
  readonly gateways: readonly string[]
  /** Absent: the route takes the place of every other default route of its family. */
  readonly metric?: number
}

/** The device of an attachment, or only the file in which its plugin may describe one. */
export interface AttachedDevice {
  /** Absent when the annotation named the device. */
  readonly resource?: string
  readonly id?: string
  /** Absolute path that the plugins get as `CNIDeviceInfoFile`. */
  readonly infoFile: string
  /** What the file said after ADD; for network-status. */
  readonly info?: DeviceInfo
}

/** An attachment that was made, with the final result of its last plugin as printed. */
export interface RecordedAttachment extends PlannedAttachment {
  readonly result?: JsonObject
  /** Written before the delegates of a running pod's attachment are executed, so that whoever finds it undoes it. */
  readonly pending?: 'attaching' | 'detaching'
}

/** Answer to `/v1/plan`, `/v1/del` and `/v1/check`. Attachments are in ADD order; DEL executes them in reverse. */
export interface OperationAnswer {
  readonly attachments: readonly RecordedAttachment[]
  /** Searched after CNI_PATH. */
  readonly binDirs: readonly string[]
  /** The runtime's conf version, in which the primary's result is printed. */
  readonly cniVersion: string
}

/** `POST /v1/commit`. */
export interface CommitRequest {
  readonly protocol: number
  readonly containerId: string
  /** CLOCK_BOOTTIME in ms after which the shim undoes everything; shims of the release before do not say it. */
  readonly deadline?: number
  readonly results: readonly { readonly network: string; readonly ifName: string; readonly result: JsonObject }[]
  /** Attachments with `required: false` that failed and were rolled back. */
  readonly failed: readonly { readonly network: string; readonly ifName: string; readonly error: DelegateError }[]
}

/** Answer to `/v1/commit`: what the shim prints. */
export interface CommitAnswer {
  readonly result: JsonObject
}

/** A delegate's error with the plugin that gave it. `code` is the delegate's own. */
export interface DelegateError {
  readonly plugin: string
  readonly code: number
  readonly msg: string
}

/** What became of one attachment in a DEL or a roll-back. */
export interface DetachOutcome {
  readonly network: string
  readonly ifName: string
  /** Absent = detached. */
  readonly error?: DelegateError
}

/** `POST /v1/detached`. `reason` is the ADD's failure when this reports a roll-back. */
export interface DetachedRequest {
  readonly protocol: number
  readonly containerId: string
  readonly outcomes: readonly DetachOutcome[]
  readonly reason?: string
}

/** An attachment that a runtime holds for valid, in the words of the CNI specification. */
export interface ValidAttachment {
  readonly containerID: string
  readonly ifname: string
}

/** `POST /v1/gc`. Everything else that the agent has recorded for this runtime is an orphan. */
export interface GcRequest {
  readonly protocol: number
  readonly valid: readonly ValidAttachment[]
  /** CLOCK_BOOTTIME in ms when the shim started: sandboxes that changed later are not judged by `valid`. */
  readonly startedAt: number
  /** CLOCK_BOOTTIME in ms after which the shim no longer waits for the answer. */
  readonly deadline: number
}
