// Decides what the annotations of a NetworkAttachmentDefinition say about it besides its config. Never looks at pods.
import { STRICT_CAPABILITIES_KEY } from './keys.ts'
import { kuryrSubnetOf } from './kuryr.ts'

/** Travels over the stream with the network. */
export interface NetworkMarks {
  /** The Neutron subnet that the network stands for. */
  readonly kuryrSubnet?: string
  /** Requests that no plugin of it can honour warn instead of failing the pod, as for networks taken over from Multus. */
  readonly lenient?: boolean
}

/** `openstack.org/kuryr-config` and `plexus.dev/strict-capabilities`. */
export function networkMarks(annotations: Readonly<Record<string, string>>): NetworkMarks {
  const kuryrSubnet = kuryrSubnetOf(annotations)
  const lenient = annotations[STRICT_CAPABILITIES_KEY]?.toLowerCase() === 'disabled'
  return { ...(kuryrSubnet !== undefined && { kuryrSubnet }), ...(lenient && { lenient }) }
}
