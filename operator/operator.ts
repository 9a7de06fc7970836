// Puts the operator together: warm stores on every replica, an election, and a term of leadership while it is won. Decides nothing.
import type { KubeClient } from '#kube/client'
import { type EventRecorder, openEventRecorder } from '#kube/events'
import { type LeaderElection, openLeaderElection } from '#kube/leader'
import type { Clock, Random } from '#kube/process/clock'
import { type Health, openHttpEndpoint } from '#kube/process/http-endpoint'
import type { Log } from '#kube/process/log'
import type { Metrics } from '#kube/process/metrics'
import type { OperatorFlags } from './flags.ts'
import { startTerm, type Term } from './term.ts'
import { startWorld, type World } from './world.ts'

export interface OperatorOptions {
  readonly flags: OperatorFlags
  readonly client: KubeClient
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  /** Where probes, metrics and the stream listen. */
  readonly host: string
}

export interface Operator {
  readonly httpPort: number
  /** Its stores are warm. */
  isReady(): boolean
  isLeader(): boolean
  /** Port of the stream once this replica serves it. */
  streamPort(): number | undefined
  /** Ends leading, releases the lease, closes everything. */
  stop(): Promise<void>
}

/** Starts one replica. Rejects when the port for probes cannot be bound. */
export async function startOperator(options: OperatorOptions): Promise<Operator> {
  const { client, clock, random, flags, log, metrics } = options
  const ending = new AbortController()
  const world = startWorld({ client, clock, random, log, metrics })
  const events = openEventRecorder({ client, clock, random, log, controller: 'plexus.dev/operator', instance: flags.identity })
  const leadership = openLeadership(options, world, events)
  // Every replica is ready once its stores are warm: webhooks need no leader, and a new leader can serve at once.
  const ready = (): Health => {
    const missing = world.missing()
    return missing.length === 0 ? { ok: true } : { ok: false, reason: `waiting for ${missing.join(', ')} from the API server` }
  }
  const http = await openHttpEndpoint({ host: options.host, port: flags.httpPort, metrics, log, healthy: () => ({ ok: true }), ready })
  world.synced(ending.signal).then(
    () => leadership.election.start(),
    () => undefined, // Stopped before the first full state: there is nothing to lead.
  )
  return {
    httpPort: http.port,
    isReady: () => ready().ok,
    isLeader: () => leadership.election.isLeader(),
    streamPort: () => leadership.streamPort(),
    stop: async () => {
      ending.abort(new Error('the operator stops'))
      await leadership.end()
      await leadership.election.stop()
      await Promise.all([world.stop(), events.flush(), http.close()])
      await client.close()
    },
  }
}

interface Leadership {
  readonly election: LeaderElection
  streamPort(): number | undefined
  /** Ends the present term, if any. */
  end(): Promise<void>
}

/** One term of leadership for each time that the lease is won. */
function openLeadership(options: OperatorOptions, world: World, events: EventRecorder): Leadership {
  const { flags, log, random } = options
  const leads = options.metrics.gauge({ name: 'leader', help: '1 on the replica that leads.' }).with({})
  let term: Term | undefined
  const end = async (): Promise<void> => {
    const ended = term
    term = undefined
    leads.set(0)
    await ended?.stop()
  }
  const election = openLeaderElection({
    ...options,
    namespace: flags.namespace,
    name: flags.leaseName,
    // A restarted container keeps its pod's name, and must not take its predecessor's lease for its own.
    identity: `${flags.identity}_${Math.floor(random() * 2 ** 32).toString(16)}`,
    onAcquired: (epoch) => {
      log.info('this replica leads', { epoch })
      leads.set(1)
      const annotateLease = (annotations: Readonly<Record<string, string>>): void => election.annotate(annotations)
      term = startTerm({ ...options, epoch, world, events, stream: streamOf(options), annotateLease })
    },
    onLost: () => {
      log.warn('this replica leads no longer')
      end().catch((error: unknown) => log.error('the end of leading failed', { error }))
    },
  })
  return { election, streamPort: () => term?.streamPort(), end }
}

function streamOf({ flags, host }: OperatorOptions): Parameters<typeof startTerm>[0]['stream'] {
  const { namespace, streamService: service, podIp, streamPort: port, agentServiceAccount } = flags
  return { namespace, service, podIp, host, port, agentUser: `system:serviceaccount:${namespace}:${agentServiceAccount}` }
}
