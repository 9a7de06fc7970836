// A cluster for the operator's tests: a fake API server that knows our kinds, and builders of its objects. Tokens are `agent-of-<node>`.
import { X509Certificate } from 'node:crypto'
import { connect } from '#kube/testing/connect'
import { type FakeApiServer, openFakeApiServer } from '#kube/testing/fake-apiserver'
import type { KubeClient } from '#kube/client'
import { fakeLog, type FakeLog } from '#kube/process/log.fake'
import { fakeMetrics, type FakeMetrics } from '#kube/process/metrics.fake'
import type { Clock } from '#kube/process/clock'
import { systemClock } from '#kube/process/system-clock'
import type { Operator } from '../operator.ts'
import { startOperator } from '../operator.ts'
import {
  namespaceResource,
  NETWORK_CRD,
  networkResource,
  networkSchemaResource,
  nodeNetworkResource,
  nodeResource,
  profileResource,
} from '../resources.ts'

const core = { group: '', version: 'v1', namespaced: true } as const
export const secrets = { ...core, kind: 'Secret', plural: 'secrets' }
export const configMaps = { ...core, kind: 'ConfigMap', plural: 'configmaps' }
export const services = { ...core, kind: 'Service', plural: 'services' }
export const leases = { group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases', namespaced: true }
export const slices = { group: 'discovery.k8s.io', version: 'v1', kind: 'EndpointSlice', plural: 'endpointslices', namespaced: true }
export const events = { group: 'events.k8s.io', version: 'v1', kind: 'Event', plural: 'events', namespaced: true }
const reviews = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenReview', plural: 'tokenreviews', namespaced: false }

export const NAMESPACE = 'plexus-system'
export const SERVER_NAME = `plexus-operator.${NAMESPACE}.svc`
const AGENT = `system:serviceaccount:${NAMESPACE}:plexus-node-agent`

export interface Cluster {
  readonly api: FakeApiServer
  readonly client: KubeClient
  network(name: string, config: string | undefined, annotations?: Readonly<Record<string, string>>): void
  /** Status of `default/<name>`. */
  status(name: string): Readonly<Record<string, unknown>>
  node(name: string, labels?: Readonly<Record<string, string>>): void
  profile(name: string, spec?: Readonly<Record<string, unknown>>): void
  nodeNetwork(name: string, status: Readonly<Record<string, unknown>>): void
  /** The CRD of NADs, with or without our status. */
  crd(servesStatus: boolean): void
  /** Reasons of the events so far. */
  events(): readonly string[]
  /** Requests that write, as `METHOD path`. */
  writes(): readonly string[]
  replica(identity: string, clock?: Clock): Promise<Replica>
  close(): Promise<void>
}

export interface Replica {
  readonly operator: Operator
  readonly log: FakeLog
  readonly metrics: FakeMetrics
}

export async function openCluster(): Promise<Cluster> {
  const ours = [networkResource, profileResource, nodeNetworkResource, nodeResource, namespaceResource, networkSchemaResource]
  const resources = [...ours, secrets, configMaps, services, leases, slices, events, reviews]
  const api = await openFakeApiServer({ resources, reviews: { tokenreviews: review } })
  const client = connect({ url: api.url })
  const clients: KubeClient[] = [client]
  const metadata = (name: string, more = {}): Record<string, unknown> => ({ name, namespace: 'default', ...more })
  api.put(namespaceResource, { metadata: { name: 'default', labels: { team: 'x' } } })
  api.put(services, { metadata: { name: 'plexus-stream', namespace: NAMESPACE } })
  return {
    api,
    client,
    network: (name, config, annotations = {}) =>
      void api.put(networkResource, { metadata: metadata(name, { annotations }), spec: config === undefined ? {} : { config } }),
    status: (name) => record(api.get(networkResource, { namespace: 'default', name })?.['status']),
    node: (name, labels = {}) => void api.put(nodeResource, { metadata: { name, labels } }),
    profile: (name, spec = {}) => void api.put(profileResource, { metadata: { name }, spec }),
    nodeNetwork: (name, status) => void api.put(nodeNetworkResource, { metadata: { name }, status }),
    crd: (servesStatus) => void api.put(networkSchemaResource, crdObject(servesStatus)),
    events: () => api.objects.list(events).map((event) => String(event['reason'])),
    writes: () => api.requests.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`),
    replica: async (identity, clock = systemClock()) => {
      const log = fakeLog()
      const metrics = fakeMetrics()
      const own = connect({ url: api.url, clock, log })
      clients.push(own)
      const flags = {
        namespace: NAMESPACE,
        podIp: '127.0.0.1',
        identity,
        streamPort: 0,
        streamService: 'plexus-stream',
        agentServiceAccount: 'plexus-node-agent',
        leaseName: 'plexus-operator',
        httpPort: 0,
        logLevel: 'debug',
        kubeconfig: undefined,
      } as const
      const operator = await startOperator({ flags, client: own, clock, random: Math.random, log, metrics, host: '127.0.0.1' })
      return { operator, log, metrics }
    },
    close: async () => {
      await Promise.all(clients.map((each) => each.close()))
      await api.close()
    },
  }
}

/** The CA that agents trust. */
export function caOf(cluster: Cluster): string {
  const data = record(cluster.api.get(configMaps, { namespace: NAMESPACE, name: 'plexus-stream-ca' })?.['data'])
  const ca = String(data['ca.crt'])
  return new X509Certificate(ca).ca ? ca : ''
}

export function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}

function review(sent: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { token, audiences } = record(sent['spec'])
  const node = /^(agent|pod)-of-(.+)$/.exec(String(token))
  if (node === null) return { ...sent, status: { authenticated: false, error: 'the token is expired' } }
  const extra = { 'authentication.kubernetes.io/node-name': [node[2]] }
  const username = node[1] === 'agent' ? AGENT : 'system:serviceaccount:default:default'
  return { ...sent, status: { authenticated: true, audiences, user: { username, extra } } }
}

function crdObject(servesStatus: boolean): Readonly<Record<string, unknown>> {
  const properties = servesStatus ? { spec: {}, status: {} } : { spec: {} }
  const version = { name: 'v1', schema: { openAPIV3Schema: { properties } }, ...(servesStatus ? { subresources: { status: {} } } : {}) }
  const annotations = { 'meta.helm.sh/release-name': 'sriov-network-operator' }
  return { metadata: { name: NETWORK_CRD, annotations }, spec: { versions: [version] } }
}
