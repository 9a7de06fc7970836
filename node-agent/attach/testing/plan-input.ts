// Builds the input of planners for tests, with a default for everything.
import { parseNetworkConfig } from '#api/cni/config'
import { sentenceOf } from '#api/json'
import { profileSpec, type ProfileSpec } from '#api/kinds/node-network-profile'
import { type LookedUp, planAttachments, type PlanInput, type Plan } from '../plan-attachments.ts'
import type { Refusal, RequestInput } from '../requested-network.ts'
import { requestedNetworks } from '../requested-networks.ts'

export const profile = (change: Partial<ProfileSpec> = {}): ProfileSpec => ({ ...profileSpec.parse({}), ...change })

/** A usable network from its config. */
export function config(text: object, more: Omit<Extract<LookedUp, { state: 'usable' }>, 'state' | 'config'> = {}): LookedUp {
  const parsed = parseNetworkConfig(JSON.stringify(text), { path: 'spec.config', name: 'unnamed' })
  if (!parsed.ok) throw new Error(sentenceOf(parsed))
  return { state: 'usable', config: parsed.config, ...more }
}

export interface PlanChange {
  readonly annotations?: Readonly<Record<string, string>>
  readonly networks?: Readonly<Record<string, LookedUp>>
  readonly profile?: Partial<ProfileSpec>
  readonly input?: Partial<PlanInput>
  readonly request?: Partial<RequestInput>
}

/** Reads the annotations and plans, as the agent does it. */
export function planned(change: PlanChange = {}): Plan | Refusal {
  const spec = profile(change.profile)
  const requested = requestedNetworks({ annotations: change.annotations ?? {}, podNamespace: 'shop', profile: spec, ...change.request })
  if (!requested.ok) return requested
  return planAttachments({
    containerId: 'c1',
    ifName: 'eth0',
    pod: { namespace: 'shop', name: 'web', uid: 'uid-1' },
    runtimeArgs: [],
    runtimeConfig: {},
    profile: spec,
    primary: { name: 'cluster', cniVersion: '1.0.0', plugins: [{ type: 'bridge', capabilities: { portMappings: true, mac: true } }] },
    requested,
    networks: new Map(Object.entries(change.networks ?? {})),
    ...change.input,
  })
}
