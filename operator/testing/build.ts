// Builders with defaults for the operator's tests: say only what a test is about.
import { nodeNetworkProfile, type NodeNetworkProfile } from '#api/kinds/node-network-profile'
import type { RenderFacts } from '#api/render'
import type { NetworkSeen } from '../controllers/networks/networks.ts'

/** Text of a macvlan config; `change` replaces keys. */
export function macvlan(change: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ cniVersion: '1.0.0', type: 'macvlan', master: 'eth1', ipam: { type: 'host-local' }, ...change })
}

export function facts(
  name: string,
  change: { readonly labels?: Readonly<Record<string, string>>; readonly parameters?: Readonly<Record<string, string>> } = {},
): RenderFacts {
  return { node: { name, labels: change.labels ?? {}, annotations: {} }, profileParameters: change.parameters ?? {} }
}

/** The network `net` of generation 1 on node `a`, never reported before. */
export function network(change: Partial<NetworkSeen> = {}): NetworkSeen {
  return {
    name: 'net',
    uid: 'uid',
    generation: 1,
    config: macvlan(),
    resourceName: undefined,
    nodes: [facts('a')],
    status: undefined,
    pods: 0,
    ...change,
  }
}

export interface ProfileChange {
  readonly priority?: number
  readonly created?: string
  readonly selector?: Readonly<Record<string, string>>
  readonly spec?: Readonly<Record<string, unknown>>
  readonly generation?: number
}

/** A profile as the API server would give it, with all defaults. */
export function profile(name: string, change: ProfileChange = {}): NodeNetworkProfile {
  const { priority = 0, created = '2026-01-01T00:00:00Z', selector = {}, spec = {}, generation = 1 } = change
  return nodeNetworkProfile.parse({
    metadata: { name, generation, creationTimestamp: created },
    spec: { priority, nodeSelector: selector, ...spec },
  })
}
