// Starts the node agent as a process: the only place that reads its arguments and environment. Decides nothing but exit codes.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openHttpClient } from '#kube/http-client'
import { openInClusterCredentials } from '#kube/in-cluster-credentials'
import { requestMeter } from '#kube/observe'
import type { Log } from '#kube/process/log'
import { openPromMetrics } from '#kube/process/prom-metrics'
import { collectWhenQuiet } from '#kube/process/quiet-collection'
import { systemClock } from '#kube/process/system-clock'
import { openWinstonLog } from '#kube/process/winston-log'
import { openTransport } from '#kube/transport'
import { type Agent, startAgent } from './agent.ts'
import { type AgentFlags, parseFlags } from './flags.ts'

/** Kubelet kills after 30 s; what is not finished by then is on disk. */
const STOP_MS = 25_000

async function run(flags: AgentFlags, log: Log): Promise<number> {
  const stopping = stopSignal()
  const agent = await start(flags, log, stopping).catch((error: unknown) => {
    if (!stopping.aborted) log.error('the agent could not start', { error })
    return undefined
  })
  if (agent === undefined) return stopping.aborted ? 0 : 1
  collectWhenQuiet({ clock: systemClock(), cpuMs, collect })
  await new Promise<void>((resolve) => {
    if (stopping.aborted) resolve()
    else stopping.addEventListener('abort', () => resolve(), { once: true })
  })
  log.info('the agent is stopping')
  const clock = systemClock()
  return await new Promise<number>((resolve) => {
    clock.after(STOP_MS, () => {
      log.warn('the agent did not stop in time', { ms: STOP_MS })
      resolve(0)
    })
    agent.stop().then(
      () => resolve(0),
      (error: unknown) => {
        log.error('the agent stopped with an error', { error })
        resolve(1)
      },
    )
  })
}

async function start(flags: AgentFlags, log: Log, signal: AbortSignal): Promise<Agent> {
  const clock = systemClock()
  const metrics = openPromMetrics({ prefix: 'plexus_', process: true })
  const credentials = openInClusterCredentials({
    host: process.env['KUBERNETES_SERVICE_HOST'] ?? 'kubernetes.default.svc',
    port: process.env['KUBERNETES_SERVICE_PORT'] ?? '443',
    tokenFile: join(flags.serviceAccountDir, 'token'),
    caFile: join(flags.serviceAccountDir, 'ca.crt'),
    clock,
    log,
  })
  const version = agentVersion()
  const userAgent = `plexus-node-agent/${version}`
  const transport = openTransport({ credentials, clock, random: Math.random, log, userAgent, onRequest: requestMeter(metrics) })
  return await startAgent({ flags, version, client: openHttpClient(transport), clock, random: Math.random, log, metrics, signal })
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Does nothing unless node was started with --expose-gc. */
function collect(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/** `version` lies beside the bundle; run from source there is none. */
function agentVersion(): string {
  try {
    return readFileSync(new URL('version', import.meta.url), 'utf8').trim()
  } catch {
    return 'source'
  }
}

function stopSignal(): AbortSignal {
  const stopping = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopping.abort(new Error(`${signal} was received`)))
  return stopping.signal
}

const parsed = parseFlags(process.argv.slice(2))
if (parsed.ok) {
  const log = openWinstonLog({ level: parsed.flags.logLevel, stream: process.stderr, fields: { component: 'node-agent' } })
  process.exitCode = await run(parsed.flags, log)
  process.exit()
} else {
  process.stderr.write(`${parsed.message}\n`)
  process.exitCode = 2
}
