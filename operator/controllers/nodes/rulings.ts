// Decides, and remembers, which profile rules each node and which version of it is in force. Pure state; never uninstalls because an object vanished.
import type { NodeNetworkProfile, ProfileSpec } from '#api/kinds/node-network-profile'
import { checkProfile } from '../profiles/check-profile.ts'
import { chooseProfile } from '../profiles/choose-profile.ts'

/** What rules a node. `spec` is the last version that was valid; undefined when this process never saw one. */
export interface Ruling {
  readonly profile: string
  readonly generation: number
  readonly spec: ProfileSpec | undefined
  /** For rendering: of the version in force, else as written, since networks need not wait for an unrelated field. */
  readonly parameters: Readonly<Record<string, string>>
  /** Whether the profile still selects this node, or only did so once. */
  readonly by: 'match' | 'memory'
}

/** The one key of kind `profile` in the stream. */
export const PROFILE_KEY = 'profile'

export interface Rulings {
  /** Takes over all profiles of the cluster. */
  learn(profiles: readonly NodeNetworkProfile[]): void
  /** Rules a node again. `last` is the profile its agent reported. Undefined: no profile ever ruled it. */
  rule(node: { readonly name: string; readonly labels: Readonly<Record<string, string>> }, last: string | undefined): Ruling | undefined
  /** As ruled last. */
  of(node: string): Ruling | undefined
  forget(node: string): void
  /** Names of the nodes that a profile rules. */
  ruledBy(profile: string): readonly string[]
  /** Nodes that take part in networks: ruled by a profile with state Installed. In the order they were ruled first. */
  installed(): readonly { readonly node: string; readonly ruling: Ruling }[]
}

interface Known {
  readonly generation: number
  readonly spec: ProfileSpec
}

export function openRulings(): Rulings {
  const rulings = new Map<string, Ruling>()
  /** Last valid version of each profile, also of deleted ones: nodes may still be ruled by it. */
  const valid = new Map<string, Known>()
  let present: readonly NodeNetworkProfile[] = []

  const rulingBy = (profile: string, by: Ruling['by']): Ruling => {
    const known = valid.get(profile)
    const written = present.find(({ metadata }) => metadata.name === profile)
    const parameters = known?.spec.parameters ?? written?.spec.parameters ?? {}
    return { profile, by, generation: known?.generation ?? 0, spec: known?.spec, parameters }
  }
  return {
    learn: (profiles) => {
      present = profiles
      for (const { metadata, spec } of profiles) {
        if (checkProfile(spec).ok) valid.set(metadata.name, { generation: metadata.generation, spec })
      }
      const used = new Set([...profiles.map(({ metadata }) => metadata.name), ...[...rulings.values()].map(({ profile }) => profile)])
      for (const name of valid.keys()) if (!used.has(name)) valid.delete(name)
    },
    rule: (node, last) => {
      const chosen = chooseProfile(node.labels, present)
      const remembered = rulings.get(node.name)?.profile ?? last
      const ruling = chosen === undefined ? remembered && rulingBy(remembered, 'memory') : rulingBy(chosen.metadata.name, 'match')
      if (ruling === undefined || ruling === '') return undefined
      rulings.set(node.name, ruling)
      return ruling
    },
    of: (node) => rulings.get(node),
    forget: (node) => void rulings.delete(node),
    ruledBy: (profile) => [...rulings].filter(([, ruling]) => ruling.profile === profile).map(([node]) => node),
    installed: () => [...rulings].filter(([, { spec }]) => spec?.state !== 'Removed').map(([node, ruling]) => ({ node, ruling })),
  }
}
