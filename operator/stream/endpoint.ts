// Decides what the cluster is told of the leader's address: the EndpointSlice of the selector-less Service. Never decides who leads.
import { isIPv6 } from 'node:net'
import type { KubeReader, KubeWriter } from '#kube/client'
import { parseKubeObject } from '#kube/answers'
import type { KubeObject, Resource } from '#kube/resource'
import type { Log } from '#kube/process/log'

export interface EndpointOptions {
  readonly client: KubeReader & KubeWriter
  readonly namespace: string
  /** Name of the Service. */
  readonly service: string
  readonly podIp: string
  readonly port: number
  readonly log: Log
  readonly signal: AbortSignal
}

/** Annotation of the Lease; agents fall back to it when they know no cluster IP. */
export const STREAM_ADDRESS_ANNOTATION = 'plexus.dev/stream-address'

const slices: Resource<KubeObject> = {
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
  parse: parseKubeObject,
}
const services: Resource<KubeObject> = {
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  namespaced: true,
  parse: parseKubeObject,
}

/** Points the Service at this replica alone. One slice per address family: the family of a slice can never change. */
export async function publishEndpoint(options: EndpointOptions): Promise<void> {
  const { client, namespace, service, signal } = options
  const owner = await client.get(services, { namespace, name: service }, { signal })
  if (owner === undefined) {
    options.log.warn('the stream Service does not exist; agents must use the address in the Lease', { service })
    return
  }
  const family = isIPv6(options.podIp) ? 'IPv6' : 'IPv4'
  const slice = sliceFor(options, { family, uid: owner.metadata.uid ?? '' })
  await client.apply(slices, slice, { fieldManager: 'plexus-operator', force: true, signal })
  const other = nameOfSlice(service, family === 'IPv4' ? 'IPv6' : 'IPv4')
  await client.delete(slices, { namespace, name: other }, { signal })
}

/** `host:port`, an IPv6 host in brackets. */
export function addressText(podIp: string, port: number): string {
  return isIPv6(podIp) ? `[${podIp}]:${port}` : `${podIp}:${port}`
}

type Family = 'IPv4' | 'IPv6'

function nameOfSlice(service: string, family: Family): string {
  return `${service}-${family.toLowerCase()}`
}

function sliceFor(
  { namespace, service, podIp, port }: EndpointOptions,
  { family, uid }: { readonly family: Family; readonly uid: string },
): Readonly<Record<string, unknown>> {
  const labels = { 'kubernetes.io/service-name': service, 'endpointslice.kubernetes.io/managed-by': 'plexus' }
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Service', name: service, uid }]
  return {
    metadata: { namespace, name: nameOfSlice(service, family), labels, ownerReferences },
    addressType: family,
    endpoints: [{ addresses: [podIp], conditions: { ready: true, serving: true, terminating: false } }],
    ports: [{ name: 'stream', port, protocol: 'TCP' }],
  }
}
