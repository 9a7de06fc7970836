// Decides that a plan for a sandbox whose record was lost leaves out what cannot be planned any more: the rest must still be detached. Pure.
import type { Requested } from './requested-networks.ts'
import type { SandboxRequest } from './sandbox-request.ts'

/** The same networks; for a lost record none of them is required. */
export function forgiven(sandbox: SandboxRequest, requested: Requested): Requested {
  if (sandbox.isLost !== true) return requested
  return { ...requested, further: requested.further.map((network) => ({ ...network, required: false })) }
}
