// Decides where the operator's stream may be: the Service's cluster IP, else the address that the leader wrote into its Lease. Never connects.
import type { KubeReader } from '#kube/client'
import type { Resource } from '#kube/resource'

/** Host (a name or an IP without brackets) and port. */
export interface StreamAddress {
  readonly host: string
  readonly port: number
}

/** What the leader's Lease says. */
export interface LeaderLease {
  readonly address: StreamAddress | undefined
  /** Transitions of the lease: the epoch of the present leader. */
  readonly epoch: number
}

/** Annotation of the Lease: `host:port`, an IPv6 host in brackets. */
export const STREAM_ADDRESS_ANNOTATION = 'plexus.dev/stream-address'

/** What the API server knows of the stream. */
export interface StreamDirectory {
  lease(signal: AbortSignal): Promise<LeaderLease | undefined>
  /** PEM of the CA certificates the server may use. */
  authorities(signal: AbortSignal): Promise<string | undefined>
}

export interface StreamDirectoryOptions {
  readonly client: KubeReader
  readonly namespace: string
  readonly leaseName: string
  readonly caConfigMap: string
}

/** Key of the ConfigMap that holds the certificates. */
const CA_KEY = 'ca.crt'
const CALL_MS = 5000

const leases: Resource<LeaderLease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
  parse: (value) => {
    const address = field(value, 'metadata', 'annotations', STREAM_ADDRESS_ANNOTATION)
    const epoch = field(value, 'spec', 'leaseTransitions')
    return { address: typeof address === 'string' ? parseAddress(address) : undefined, epoch: typeof epoch === 'number' ? epoch : 0 }
  },
}

const authorities: Resource<string | undefined> = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
  parse: (value) => {
    const pem = field(value, 'data', CA_KEY)
    return typeof pem === 'string' ? pem : undefined
  },
}

/** Reads both from the API server, each with a deadline of 5 s. */
export function openStreamDirectory(options: StreamDirectoryOptions): StreamDirectory {
  const { client, namespace, leaseName, caConfigMap } = options
  return {
    lease: (signal) => client.get(leases, { namespace, name: leaseName }, { deadlineMs: CALL_MS, signal }),
    authorities: (signal) => client.get(authorities, { namespace, name: caConfigMap }, { deadlineMs: CALL_MS, signal }),
  }
}

/** Parses `host:port` or `[v6]:port`; undefined when it is neither. */
export function parseAddress(text: string): StreamAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  return host === undefined || port < 1 || port > 65535 ? undefined : { host, port }
}

function field(value: unknown, ...path: readonly string[]): unknown {
  let at = value
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = Object.entries(at).find(([name]) => name === key)?.[1]
  }
  return at
}
