// Decides what STATUS says. A failure makes the whole node NotReady, so it is said in three cases only (architecture, "STATUS"), and without the agent.
import { knowsVerb } from '#api/cni/plugin-input'
import { isCniVersion } from '#api/cni/version'
import type { NodeFile } from '#api/node-file'
import type { Call } from './call.ts'
import { runDelegate } from './delegate.ts'
import { type Answer, failure } from './failure.ts'
import { bootId, readNodeFile, readReadyFile } from './node-state.ts'
import type { System } from './system.ts'

const AFTER_BOOT_MS = 5 * 60_000
const AGENT_AWAY_MS = 120_000
const PRIMARY_LIMIT_MS = 2_000

export function status(system: System, call: Call): Answer {
  const ready = readReadyFile(system, call)
  const now = system.clock.boottime()
  const readyThisBoot = ready !== undefined && ready.bootId === bootId(system)
  if (!readyThisBoot && now < AFTER_BOOT_MS) {
    return failure('NotReady', 'the Plexus agent of this node was not ready since the boot; wait for its pod')
  }
  const node = readNodeFile(system, call)
  if (node?.withoutAgent === 'Fail' && (!readyThisBoot || now - ready.at > AGENT_AWAY_MS)) {
    return failure(
      'NotReady',
      'the Plexus agent of this node is away for more than 120 s and its profile says withoutAgent: Fail; see its pod',
    )
  }
  return node === undefined ? { ok: true } : primaryStatus(system, call, node)
}

/** The limit holds for all plugins of the primary together. */
function primaryStatus(system: System, call: Call, { primary, binDirs }: NodeFile): Answer {
  if (primary === undefined || !isCniVersion(primary.cniVersion) || !knowsVerb(primary.cniVersion, 'STATUS')) return { ok: true }
  const until = system.clock.boottime() + PRIMARY_LIMIT_MS
  for (const plugin of primary.plugins) {
    const timeoutMs = Math.max(1, Math.round(until - system.clock.boottime()))
    const done = runDelegate(system, call, { plugin, env: { CNI_COMMAND: 'STATUS' }, timeoutMs, binDirs })
    if (!done.ok) {
      const { plugin: type, msg } = done.error
      return failure('NotReady', `the primary network "${primary.name}" is not ready: plugin ${type}: ${msg}`)
    }
  }
  return { ok: true }
}
