// Decides which networks a pod of the Kuryr form asks for: one for each Neutron subnet it names. Never talks to Neutron.
import { KURYR_SUBNETS_KEY } from '#api/annotations/keys'
import { parseKuryrSubnets } from '#api/annotations/kuryr'
import { type NetworkKey, splitNetworkKey } from '#api/ids'
import { isolationViolation, mayUse } from '#api/isolation'
import { sentenceOf } from '#api/json'
import { allOrRefusal, keyed, type Refusal, refuse, type RequestedNetwork, type RequestInput } from './requested-network.ts'

/** Networks in the order of the subnets, as `eth1`, `eth2`, …, which is how Kuryr calls its further interfaces. */
export function kuryrNetworks(input: RequestInput): readonly RequestedNetwork[] | Refusal {
  const parsed = parseKuryrSubnets(input.annotations[KURYR_SUBNETS_KEY] ?? '')
  if (!parsed.ok) return refuse('InvalidAnnotation', sentenceOf(parsed))
  return allOrRefusal(parsed.subnets.map((subnet, index) => networkOfSubnet(subnet, index, input)))
}

/** The pod's own namespace first, then those it may use, by name. */
function networkOfSubnet(subnet: string, index: number, input: RequestInput): RequestedNetwork | Refusal {
  const { podNamespace, profile } = input
  const path = `${KURYR_SUBNETS_KEY}[${index}]`
  const candidates = (input.networksOfSubnet?.(subnet) ?? []).map(splitNetworkKey).toSorted(byName)
  const usable = candidates.filter(({ namespace }) => mayUse(podNamespace, namespace, profile))
  const chosen = usable.find(({ namespace }) => namespace === podNamespace) ?? usable[0]
  if (chosen !== undefined) return keyed({ ...chosen, path, ifName: `eth${index + 1}`, required: true })
  const [foreign] = candidates
  if (foreign !== undefined) return refuse('IsolationViolated', isolationViolation({ ...foreign, path }, podNamespace, profile) ?? path)
  const sentence = `${path}: no NetworkAttachmentDefinition stands for subnet "${subnet}"; annotate one with openstack.org/kuryr-config: '{"subnetId": "${subnet}"}'`
  return refuse('NetworkNotFound', sentence)
}

type Place = ReturnType<typeof splitNetworkKey>

function byName(a: Place, b: Place): number {
  return `${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1
}

/** Networks among these that stand for a subnet. */
export function networksOfSubnet(
  networks: ReadonlyMap<NetworkKey, { readonly state: string; readonly kuryrSubnet?: string }>,
  subnet: string,
): readonly NetworkKey[] {
  return [...networks].flatMap(([key, { kuryrSubnet }]) => (kuryrSubnet === subnet ? [key] : []))
}
