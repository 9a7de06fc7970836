// Adapter of the Profiles port to the stores and the API server. Decides nothing about profiles.
import type { NodeNetworkProfile } from '#api/kinds/node-network-profile'
import { PROFILE_KEY } from '../nodes/rulings.ts'
import type { KubeWriter } from '#kube/client'
import type { EventRecorder } from '#kube/events'
import { isKubeError } from '#kube/kube-error'
import { apiVersionOf } from '#kube/resource'
import type { StoreView } from '#kube/store'
import { type NodeNetworkSeen, profileResource } from '../../resources.ts'
import type { Acks } from '../../stream/acks.ts'
import { openWritten } from '../../written.ts'
import { FIELD_MANAGER } from '../networks/kube-networks.ts'
import type { StatusSchema } from '../networks/status-schema.ts'
import type { Rulings } from '../nodes/rulings.ts'
import { checkProfile } from './check-profile.ts'
import type { Profiles } from './profiles.ts'

export interface KubeProfilesOptions {
  readonly client: KubeWriter
  readonly profiles: StoreView<NodeNetworkProfile>
  readonly nodeNetworks: StoreView<NodeNetworkSeen>
  readonly rulings: Rulings
  readonly acks: Acks
  readonly events: EventRecorder
  readonly schema: StatusSchema
  isSettling(): boolean
}

export function openKubeProfiles(options: KubeProfilesOptions): Profiles {
  const { client, profiles, rulings, acks } = options
  const written = openWritten<NodeNetworkProfile>()
  return {
    observe: (name) => {
      const stored = profiles.get(name)
      if (stored === undefined) {
        written.forget(name)
        return undefined
      }
      const { metadata, spec } = stored
      const nodes = rulings.ruledBy(name).map((node) => ({
        node,
        answer: acks.answer(node, 'profile', PROFILE_KEY),
        ready: options.nodeNetworks.get(node)?.ready === true,
      }))
      const { status } = written.newest(stored)
      const schemaProblem = options.schema.problem()
      return { generation: metadata.generation, state: spec.state, checked: checkProfile(spec), nodes, schemaProblem, status }
    },
    isSettling: () => options.isSettling(),
    writeStatus: async (name, status, { signal }) => {
      const stored = profiles.get(name)
      if (stored === undefined) return 'gone'
      try {
        const sent = { metadata: { name }, status }
        const answer = await client.apply(profileResource, sent, {
          fieldManager: FIELD_MANAGER,
          subresource: 'status',
          force: true,
          signal,
        })
        written.remember(stored, answer)
        return 'written'
      } catch (error) {
        if (isKubeError(error, 404)) return 'gone'
        throw error
      }
    },
    tell: (name, note) => {
      const stored = profiles.get(name)
      if (stored === undefined) return
      const about = { apiVersion: apiVersionOf(profileResource), kind: profileResource.kind, metadata: stored.metadata }
      options.events.record({ about, action: 'Rule', ...note })
    },
  }
}
