// Starts one operator process: reads arguments and environment, opens adapters, ends on signals. Decides nothing else.
import { isIPv6 } from 'node:net'
import type { Credentials } from '#kube/credentials'
import { openHttpClient } from '#kube/http-client'
import { openInClusterCredentials } from '#kube/in-cluster-credentials'
import { requestMeter } from '#kube/observe'
import type { Clock } from '#kube/process/clock'
import type { Log } from '#kube/process/log'
import { openPromMetrics } from '#kube/process/prom-metrics'
import { systemClock } from '#kube/process/system-clock'
import { openWinstonLog } from '#kube/process/winston-log'
import { openTransport } from '#kube/transport'
import { type OperatorFlags, parseFlags } from './flags.ts'
import { startOperator } from './operator.ts'

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'
/** Shorter than the pod's grace period of 30 s. */
const STOP_MS = 20_000

async function main(): Promise<void> {
  const parsed = parseFlags(process.argv.slice(2))
  if (!parsed.ok) {
    process.stderr.write(`${parsed.message}\n`)
    process.exitCode = 2
    return
  }
  const { flags } = parsed
  const clock = systemClock()
  const log = openWinstonLog({ level: flags.logLevel, stream: process.stderr, fields: { component: 'operator' } })
  const metrics = openPromMetrics({ prefix: 'plexus_', process: true })
  const credentials = await credentialsOf(flags, clock, log)
  const random = Math.random
  const transport = openTransport({ credentials, clock, random, log, userAgent: 'plexus-operator', onRequest: requestMeter(metrics) })
  const operator = await startOperator({
    flags,
    client: openHttpClient(transport),
    clock,
    random,
    log,
    metrics,
    host: hostFor(flags.podIp),
  })
  log.info('the operator runs', { identity: flags.identity, namespace: flags.namespace })
  let stopping = false
  const stop = (signal: string): void => {
    if (stopping) return
    stopping = true
    log.info('the operator stops', { signal })
    clock.after(STOP_MS, () => process.exit(1)) // A hung call must not hold the lease until the kubelet kills us.
    operator.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(log, error),
    )
  }
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGINT', () => stop('SIGINT'))
}

/** All addresses of the pod's family: a node may have the other one switched off. */
function hostFor(podIp: string): string {
  return isIPv6(podIp) ? '::' : '0.0.0.0'
}

/** The library behind a kubeconfig costs tens of megabytes, so it is only loaded when one is given. */
async function credentialsOf(flags: OperatorFlags, clock: Clock, log: Log): Promise<Credentials> {
  if (flags.kubeconfig !== undefined) {
    const { openKubeconfigCredentials } = await import('#kube/kubeconfig-credentials')
    return openKubeconfigCredentials({ file: flags.kubeconfig, clock })
  }
  return openInClusterCredentials({
    host: process.env['KUBERNETES_SERVICE_HOST'] ?? '',
    port: process.env['KUBERNETES_SERVICE_PORT'] ?? '443',
    tokenFile: `${SERVICE_ACCOUNT}/token`,
    caFile: `${SERVICE_ACCOUNT}/ca.crt`,
    clock,
    log,
  })
}

function fail(log: Log, error: unknown): void {
  log.error('the operator ends with an error', { error })
  process.exit(1)
}

main().catch((error: unknown) => fail(openWinstonLog({ level: 'info', stream: process.stderr, fields: { component: 'operator' } }), error))
