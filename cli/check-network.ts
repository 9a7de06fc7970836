// Decides what is wrong with one NetworkAttachmentDefinition or one NodeNetworkProfile, by the code of the operator. Never looks at a cluster.
import { z } from 'zod'
import { RESOURCE_NAME_KEY } from '#api/annotations/keys'
import { networkAttachmentDefinition } from '#api/kinds/network-attachment-definition'
import { nodeNetworkProfile, profileSpec, type ProfileSpec } from '#api/kinds/node-network-profile'
import { planNetwork } from '#operator/controllers/networks/plan-network'
import { checkProfile } from '#operator/controllers/profiles/check-profile'
import { type Finding, findingIn, findingOf, type Place } from './findings.ts'

/** What a file says of one network. */
export interface CheckedNetwork {
  readonly findings: readonly Finding[]
  /** `spec.config`, when the object can be read. */
  readonly config?: string
  readonly resourceName?: string
}

/** Checks one network as the operator does, for no node in particular. */
export function checkNetwork(value: unknown, place: Place): CheckedNetwork {
  const parsed = networkAttachmentDefinition.safeParse(value)
  if (!parsed.success) return { findings: schemaFindings(parsed.error, place) }
  const { metadata, spec } = parsed.data
  const resourceName = metadata.annotations[RESOURCE_NAME_KEY]
  const plan = planNetwork({ name: metadata.name, uid: '', generation: 1, config: spec.config, resourceName, nodes: [] })
  const refused = plan.kind === 'rejected' ? [findingIn(place, plan.message)] : []
  return { findings: refused, config: spec.config ?? '', ...(resourceName !== undefined && { resourceName }) }
}

/** Checks one profile; `spec` has every default filled in. */
export function checkNodeProfile(value: unknown, place: Place): { readonly findings: readonly Finding[]; readonly spec?: ProfileSpec } {
  const parsed = nodeNetworkProfile.safeParse(value)
  if (!parsed.success) return { findings: schemaFindings(parsed.error, place) }
  const { spec } = parsed.data
  const checked = checkProfile(spec)
  const findings = [...unknownFields(value, place), ...(checked.ok ? [] : [findingIn(place, checked.message)])]
  return { findings, spec }
}

/** The API server drops fields that it does not know; the user should hear of it before. */
function unknownFields(value: unknown, place: Place): readonly Finding[] {
  const given = z.object({ spec: z.record(z.string(), z.unknown()).default({}) }).safeParse(value)
  const names = given.success ? Object.keys(given.data.spec) : []
  return names
    .filter((name) => !Object.hasOwn(profileSpec.shape, name))
    .map((name) => findingOf(place, { path: `spec.${name}`, problem: 'is not a field of a NodeNetworkProfile', remedy: 'remove it' }))
}

function schemaFindings(error: z.ZodError, place: Place): readonly Finding[] {
  return error.issues.map(({ path, message }) =>
    findingOf(place, { path: path.join('.'), problem: message, remedy: 'see the kind in crds/' }),
  )
}
