// Decides in which order a new leader goes on the air: certificate, port, then its address. Tries again until its term ends.
import type { KubeReader, KubeWriter } from '#kube/client'
import { openBackoff } from '#kube/process/backoff'
import type { Clock, Random } from '#kube/process/clock'
import type { Log } from '#kube/process/log'
import type { Metrics } from '#kube/process/metrics'
import type { Acks } from './acks.ts'
import { openAuthenticator } from './authenticate.ts'
import { openAuthorityStore } from './authority-store.ts'
import { type CertificateRenewal, startCertificateRenewal } from './certificate-renewal.ts'
import { addressText, publishEndpoint, STREAM_ADDRESS_ANNOTATION } from './endpoint.ts'
import type { Hub } from './hub.ts'
import { openStreamServer, type StreamServer } from './server.ts'

export interface ServingOptions {
  readonly client: KubeReader & KubeWriter
  readonly namespace: string
  readonly service: string
  readonly podIp: string
  /** Where to listen; every address of the pod unless told. */
  readonly host: string
  readonly port: number
  /** The agents' ServiceAccount: `system:serviceaccount:<namespace>:<name>`. */
  readonly agentUser: string
  readonly hub: Hub
  readonly acks: Acks
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly metrics: Metrics
  annotateLease(annotations: Readonly<Record<string, string>>): void
  onPresence(node: string, isConnected: boolean): void
}

export interface Serving {
  /** The port once it is open. */
  port(): number | undefined
  /** Ends every stream at once. */
  stop(): Promise<void>
}

/** Starts serving; the hub must be complete, for what is not in it is deleted on the nodes. */
export function startServing(options: ServingOptions): Serving {
  const ending = new AbortController()
  const parts: Parts = { renewal: undefined, server: undefined, isAnnounced: false }
  const running = run(options, parts, ending.signal)
  return {
    port: () => parts.server?.port,
    stop: async () => {
      ending.abort(new Error('the term of this leader ended'))
      parts.renewal?.stop()
      const closing = parts.server?.close()
      await Promise.all([running, closing])
      await parts.server?.close()
    },
  }
}

interface Parts {
  renewal: CertificateRenewal | undefined
  server: StreamServer | undefined
  isAnnounced: boolean
}

/** Never rejects. */
async function run(options: ServingOptions, parts: Parts, signal: AbortSignal): Promise<void> {
  const backoff = openBackoff({ minMs: 500, maxMs: 30_000, random: options.random })
  while (!signal.aborted && !parts.isAnnounced) {
    try {
      // One step after the other; a step that was done is not repeated.
      // oxlint-disable-next-line no-await-in-loop
      await advance(options, parts, signal)
    } catch (error) {
      if (signal.aborted) return
      options.log.warn('the stream cannot be served yet and is tried again', { error })
      // oxlint-disable-next-line no-await-in-loop
      await options.clock.sleep(backoff.next(), signal).catch(() => undefined)
    }
  }
}

async function advance(options: ServingOptions, parts: Parts, signal: AbortSignal): Promise<void> {
  const { client, namespace, service, podIp, log } = options
  parts.renewal ??= await startCertificateRenewal({
    ...options,
    store: openAuthorityStore({ client, namespace, log }),
    names: [`plexus-operator.${namespace}.svc`, `${service}.${namespace}.svc`],
    signal,
    onRenewed: (certificate) => parts.server?.renew(certificate),
  })
  signal.throwIfAborted()
  const authenticator = openAuthenticator({ client, user: options.agentUser })
  parts.server ??= await openStreamServer({ ...options, certificate: parts.renewal.certificate, authenticator })
  signal.throwIfAborted()
  const { port } = parts.server
  options.annotateLease({ [STREAM_ADDRESS_ANNOTATION]: addressText(podIp, port) })
  await publishEndpoint({ client, namespace, service, podIp, port, log, signal })
  parts.isAnnounced = true
  log.info('the stream is served', { address: addressText(podIp, port) })
}
