// Decides which attachments of each network are valid, for the plugins' GC (spec/attachments 3.2). Pure.
import type { SandboxRecord } from '#api/sandbox-record'
import type { ValidAttachment } from '#api/socket'
import type { CachedResult } from '../attach/result-cache.ts'
import { confName } from './network-turns.ts'

/** What is known of the sandboxes that must stay. */
export interface KnownSandboxes {
  /** Records that are not tombstones. */
  readonly records: readonly SandboxRecord[]
  /** Results of others, without those of our own conf. */
  readonly cached: readonly CachedResult[]
  /** What a runtime says is valid; only the one interface it knows of. */
  readonly told: readonly ValidAttachment[]
}

/** The list of one network, by its conf name: every delegate's attachment, under the name of its own interface. */
export function validAttachments(network: string, { records, cached, told }: KnownSandboxes): readonly ValidAttachment[] {
  const recorded = records.flatMap(({ containerId, attachments }) =>
    attachments.filter(({ plugins }) => confName(plugins) === network).map(({ ifName }) => ({ containerID: containerId, ifname: ifName })),
  )
  const older = cached
    .filter((entry) => entry.network === network)
    .map(({ containerId, ifName }) => ({ containerID: containerId, ifname: ifName }))
  // Of a sandbox that nothing is known of, its interface stays in every network.
  const knownIds = new Set([...records, ...cached].map(({ containerId }) => containerId))
  const unknown = told.filter(({ containerID }) => !knownIds.has(containerID))
  const unique = new Map([...recorded, ...older, ...unknown].map((valid) => [`${valid.containerID} ${valid.ifname}`, valid]))
  return [...unique.values()]
}
