// Builds the input of planners for tests, with a default for everything.
import { parseNetworkConfig } from '#api/cni/config'
import type { NetworkKey } from '#api/ids'
import { parseNetworkKey } from '#api/ids'
import { sentenceOf } from '#api/json'
import { profileSpec, type ProfileSpec } from '#api/kinds/node-network-profile'
import { type LookedUp, planAttachments, type PlanInput, type Plan } from '../plan-attachments.ts'
import { type Refusal, requestedNetworks } from '../requested-networks.ts'

export const profile = (change: Partial<ProfileSpec> = {}): ProfileSpec => ({ ...profileSpec.parse({}), ...change })

/** A usable network from its config. */
export function config(text: object, more: { readonly resourceName?: string } = {}): LookedUp {
  const parsed = parseNetworkConfig(JSON.stringify(text), { path: 'spec.config', name: 'unnamed' })
  if (!parsed.ok) throw new Error(sentenceOf(parsed))
  return { state: 'usable', config: parsed.config, ...more }
}

export interface PlanChange {
  readonly annotations?: Readonly<Record<string, string>>
  readonly networks?: Readonly<Record<string, LookedUp>>
  readonly profile?: Partial<ProfileSpec>
  readonly input?: Partial<PlanInput>
}

/** Reads the annotations and plans, as the agent does it. */
export function planned(change: PlanChange = {}): Plan | Refusal {
  const spec = profile(change.profile)
  const requested = requestedNetworks({ annotations: change.annotations ?? {}, podNamespace: 'shop', profile: spec })
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
    networks: new Map(Object.entries(change.networks ?? {}).map(([text, found]) => [key(text), found])),
    ...change.input,
  })
}

function key(text: string): NetworkKey {
  const parsed = parseNetworkKey(text)
  if (parsed === undefined) throw new Error(`${text} is not a key`)
  return parsed
}
