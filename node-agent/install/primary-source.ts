// Decides what the rest of the agent may ask about the node's primary network. Never looks for it itself: primary-finder.ts does.
import type { PrimaryNetwork } from '#api/node-file'

/** The primary network as last found; a file that is half written or gone keeps the last good answer. */
export interface PrimarySource {
  /** undefined until a valid primary was ever found on this node. */
  current(): PrimaryNetwork | undefined
  /** Where delegates are searched after CNI_PATH: the agent's bin directory, then the profile's extra ones. */
  binDirs(): readonly string[]
}
