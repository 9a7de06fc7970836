// Decides what one bench run is: the words between e2e/bench/main.ts (cluster side) and driver.ts (which plays the runtime on a node).

/** One sandbox the driver attaches. The pod exists on the API server, bound to the node, and nothing else starts it. */
export interface Sandbox {
  readonly containerId: string
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

/** One plugin chain that the floor executes, as the agent would plan it. */
export interface FloorAttachment {
  readonly ifName: string
  readonly plugins: readonly Readonly<Record<string, unknown>>[]
}

export interface Job {
  readonly mode: 'plexus' | 'floor'
  readonly concurrency: number
  readonly sandboxes: readonly Sandbox[]
  readonly binDir: string
  /** plexus: the runtime's conf; its first plugin is executed. */
  readonly confFile: string
  /** plexus: what the pods ask for, as the runtime passes it. */
  readonly annotations: Readonly<Record<string, string>>
  /** floor: what is executed, primary first. */
  readonly floor: readonly FloorAttachment[]
  readonly api: { readonly server: string; readonly token: string; readonly caFile: string }
  /** Keep the sandboxes attached (for memory figures) instead of a DEL after all ADDs. */
  readonly keep: boolean
}

/** Milliseconds of every sandbox; `status` = from the start of its ADD until a watch shows network-status. */
export interface JobResult {
  readonly add: readonly number[]
  readonly del: readonly number[]
  readonly status: readonly number[]
  readonly wallAddMs: number
  readonly wallDelMs: number
  readonly errors: readonly string[]
}
