// Decides the course of a GC: the primary's plugins are told which of its attachments are valid. Other networks are the agent's own business.
import { gcInput, knowsVerb, type ValidAttachment } from '#api/cni/plugin-input'
import { isCniVersion } from '#api/cni/version'
import type { Call } from './call.ts'
import { runDelegate } from './delegate.ts'
import { type Answer, delegateFailure, failure } from './failure.ts'
import { readNodeFile } from './node-state.ts'
import { isObject, listOf } from './read-json.ts'
import type { System } from './system.ts'

/** Goes on after an error; the first one is told. */
export function collectGarbage(system: System, call: Call): Answer {
  const valid = listOf(call.config['cni.dev/valid-attachments'] ?? call.config['cni.dev/attachments'], parseValid)
  if (valid === undefined) {
    // Taken for an empty list, this would take the network from every pod of the node.
    return failure('InvalidConfig', 'cni.dev/valid-attachments: it is missing or no list of attachments; the runtime must pass it for GC')
  }
  const node = readNodeFile(system, call)
  if (node?.primary === undefined || !isCniVersion(node.primary.cniVersion) || !knowsVerb(node.primary.cniVersion, 'GC'))
    return { ok: true }
  const { primary, binDirs, delegateTimeoutMs: timeoutMs } = node
  const failures = primary.plugins.flatMap((plugin) => {
    const done = runDelegate(system, call, { plugin: gcInput(plugin, valid), env: { CNI_COMMAND: 'GC' }, timeoutMs, binDirs })
    return done.ok ? [] : [delegateFailure('GC', { network: primary.name, ifName: 'every interface' }, done.error)]
  })
  return failures[0] ?? { ok: true }
}

function parseValid(value: unknown): ValidAttachment | undefined {
  if (!isObject(value)) return undefined
  const { containerID, ifname } = value
  return typeof containerID === 'string' && typeof ifname === 'string' ? { containerID, ifname } : undefined
}
