// Decides which subnets a pod asks for in Kuryr's annotation, and which subnet a NAD stands for. Never talks to Neutron, never looks NADs up.
import type { Rejected } from '../json.ts'
import { isList, isObject, parseJson, rejected } from '../json.ts'
import { shown, under } from '../json-path.ts'
import { MAX_ANNOTATION_BYTES, MAX_ATTACHMENTS } from '../limits.ts'
import { KURYR_CONFIG_KEY, KURYR_SUBNETS_KEY } from './keys.ts'

const SUBNET_ID = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/
const EXAMPLE = '["5bb7a5ae-2a6c-4b4d-9d1e-0c3f6e0a6e55"]'

export type KuryrSubnets = { readonly ok: true; readonly subnets: readonly string[] } | Rejected

/** Parses `openstack.org/kuryr-additional-subnets`: a JSON list of subnet ids, one further interface for each. Empty = none. */
export function parseKuryrSubnets(value: string): KuryrSubnets {
  if (value === '') return { ok: true, subnets: [] }
  const parsed = parseJson(value, { maxBytes: MAX_ANNOTATION_BYTES })
  if (!parsed.ok) return { ...parsed, path: under(KURYR_SUBNETS_KEY, parsed.path) }
  if (!isList(parsed.value))
    return rejected(KURYR_SUBNETS_KEY, `is ${shown(parsed.value)} and not a list`, `write a list such as ${EXAMPLE}`)
  if (parsed.value.length > MAX_ATTACHMENTS) {
    return rejected(KURYR_SUBNETS_KEY, `asks for ${parsed.value.length} networks`, `ask for at most ${MAX_ATTACHMENTS}`)
  }
  const subnets: string[] = []
  for (const [index, item] of parsed.value.entries()) {
    if (typeof item !== 'string' || !SUBNET_ID.test(item)) {
      return rejected(`${KURYR_SUBNETS_KEY}[${index}]`, `${shown(item)} is not a subnet id`, `write ids such as ${EXAMPLE}`)
    }
    subnets.push(item)
  }
  return { ok: true, subnets }
}

/** The subnet a NAD stands for, from its annotation `openstack.org/kuryr-config`; undefined when it says none. */
export function kuryrSubnetOf(annotations: Readonly<Record<string, string>>): string | undefined {
  const value = annotations[KURYR_CONFIG_KEY]
  const parsed = value === undefined ? undefined : parseJson(value, { maxBytes: MAX_ANNOTATION_BYTES })
  if (parsed === undefined || !parsed.ok || !isObject(parsed.value)) return undefined
  const subnet = parsed.value['subnetId']
  return typeof subnet === 'string' && subnet !== '' ? subnet : undefined
}
