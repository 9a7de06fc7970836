// Decides what the shim may know without the agent: /var/lib/plexus/node.json, written by the agent, read at every ADD, DEL and STATUS.
import type { JsonObject } from './json.ts'

/** The primary network as the node's own conf defines it, rendered. */
export interface PrimaryNetwork {
  readonly name: string
  readonly cniVersion: string
  /** Plugin confs with name and cniVersion inserted; runtimeConfig and prevResult are added per call. */
  readonly plugins: readonly JsonObject[]
  /** As its list says. */
  readonly disableCheck?: true
  readonly disableGC?: true
}

/** `/var/lib/plexus/node.json`. */
export interface NodeFile {
  readonly version: 1
  /** Absent until the agent has found the primary: ADD then fails with 11. */
  readonly primary?: PrimaryNetwork
  readonly binDirs: readonly string[]
  /** What an ADD of a plain pod does while the agent is away. */
  readonly withoutAgent: 'PrimaryOnly' | 'Fail'
  /** The primary uses plexus-ipam or devices, or the profile gives every pod more than it: no pod is plain. */
  readonly primaryNeedsAgent: boolean
  /** The profile has default networks: no pod is plain, except in `systemNamespaces` and when it opts out. */
  readonly defaultNetworks: boolean
  /** Namespaces whose pods get no default networks: those of the profile, and those whose labels no selector of it matches. */
  readonly systemNamespaces: readonly string[]
  /** Namespaces with default networks of their own: their pods are not plain. */
  readonly namespacesWithDefaults: readonly string[]
  /** Limit of one delegate in ms. */
  readonly delegateTimeoutMs: number
}

/** `/run/plexus/ready`: written by the agent when it can serve, refreshed every 20 s. */
export interface ReadyFile {
  readonly bootId: string
  /** CLOCK_BOOTTIME in ms of the last refresh. */
  readonly at: number
}
