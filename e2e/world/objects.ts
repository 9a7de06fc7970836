// Builds the objects that demo and suites apply: macvlan networks and pods on chosen nodes. Pure.

/** The image with ip, ping and a shell that the cluster tool makes. */
export const TEST_IMAGE = 'localhost/plexus-test:1'

export type Manifest = Readonly<Record<string, unknown>>

export interface PodOptions {
  readonly name: string
  readonly node: string
  readonly namespace?: string
  /** Value of `k8s.v1.cni.cncf.io/networks`. */
  readonly networks?: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** A pod that sleeps on one node. It ends at once when deleted. */
export function pod(options: PodOptions): Manifest {
  const networks = options.networks === undefined ? {} : { 'k8s.v1.cni.cncf.io/networks': options.networks }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: options.name, namespace: options.namespace ?? 'default', annotations: { ...networks, ...options.annotations } },
    spec: {
      nodeName: options.node,
      terminationGracePeriodSeconds: 0,
      tolerations: [{ operator: 'Exists' }],
      containers: [{ name: 'main', image: TEST_IMAGE, imagePullPolicy: 'Never', command: ['sleep', '1000000'] }],
    },
  }
}

export interface NetworkOptions {
  readonly name: string
  readonly namespace?: string
  /** The whole CNI configuration; a string is taken as it is, even when it is broken. */
  readonly config: string | Manifest
}

/** A NetworkAttachmentDefinition. */
export function network(options: NetworkOptions): Manifest {
  const config = typeof options.config === 'string' ? options.config : JSON.stringify(options.config)
  return {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name: options.name, namespace: options.namespace ?? 'default' },
    spec: { config },
  }
}

/** A macvlan conf on the nodes' uplink with host-local addresses; `subnet` is a /24 prefix such as `10.66.1`. */
export function macvlan(name: string, subnet: string, range = '10-250'): Manifest {
  const [start, end] = range.split('-')
  return {
    cniVersion: '1.0.0',
    name,
    type: 'macvlan',
    master: 'eth1',
    mode: 'bridge',
    ipam: { type: 'host-local', ranges: [[{ subnet: `${subnet}.0/24`, rangeStart: `${subnet}.${start}`, rangeEnd: `${subnet}.${end}` }]] },
  }
}
