// Decides what the rest of the agent may ask about the operator's last word. Never talks to the network: client.ts fills it, snapshot-file.ts keeps it.
import type { NetworkKey } from '#api/ids'
import type { NodeNetworkObject, ProfileObject, Revision } from '#api/stream'

/** The pushed cache of this node: what the operator last said, survives restarts of both. Reads never wait. */
export interface Snapshot {
  /** A network as this node shall use it; undefined when the operator never sent it. */
  network(key: NetworkKey): NodeNetworkObject | undefined
  /** All of them. */
  networks(): ReadonlyMap<NetworkKey, NodeNetworkObject>
  /** The profile that rules this node; undefined until one was ever received. */
  profile(): ProfileObject | undefined
  /** Labels of a namespace; undefined when it is unknown here. */
  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined
  /** The last complete snapshot's or later change's revision; undefined until a first snapshot was ever received. */
  revision(): Revision | undefined
  /** Monotonic ms since the last line of the stream; counts from the agent's start until a first line comes. */
  silentForMs(): number
  /** Calls `listener` after every change of content; the answer ends it. */
  onChange(listener: () => void): () => void
}
