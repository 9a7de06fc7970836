// Decides which figures the transport and the reflectors show. Counts, never acts.
import type { RequestSeen } from './client.ts'
import type { Metrics } from './process/metrics.ts'
import type { ReflectorEdge } from './reflector-step.ts'

/** Hook for `openTransport`: requests by verb, resource and answer, and how long the head of the answer took. */
export function requestMeter(metrics: Metrics): (seen: RequestSeen) => void {
  const total = metrics.counter({ name: 'kube_requests_total', help: 'Requests to the API server.', labels: ['verb', 'resource', 'code'] })
  const buckets = [0.005, 0.02, 0.1, 0.5, 2, 10, 30]
  const seconds = metrics.histogram({ name: 'kube_request_seconds', help: 'Time to the head of an answer.', labels: ['verb'], buckets })
  return ({ verb, resource, code, seconds: took }) => {
    total.with({ verb, resource, code }).add()
    seconds.with({ verb }).observe(took)
  }
}

/** Hook for `openReflector`: edges of its state machine. */
export function reflectorMeter(metrics: Metrics): (edge: ReflectorEdge, resource: string) => void {
  const edges = metrics.counter({ name: 'reflector_edges_total', help: 'What happened to watches.', labels: ['resource', 'edge'] })
  return (edge, resource) => edges.with({ resource, edge }).add()
}
