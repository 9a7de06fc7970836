#!/usr/bin/env node
// Starts plexusctl as a process: the only place that reads its arguments and environment. Decides which kubeconfig is used.
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { KubeClient } from '#kube/client'
import { openHttpClient } from '#kube/http-client'
import { openKubeconfigCredentials } from '#kube/kubeconfig-credentials'
import { systemClock } from '#kube/process/system-clock'
import { openWinstonLog } from '#kube/process/winston-log'
import { openTransport } from '#kube/transport'
import type { ClusterArguments } from './arguments.ts'
import { run } from './run.ts'

async function connect({ kubeconfig, context }: ClusterArguments): Promise<KubeClient> {
  const clock = systemClock()
  const [first = ''] = (process.env['KUBECONFIG'] ?? '').split(':')
  const file = kubeconfig ?? (first === '' ? join(homedir(), '.kube/config') : first)
  const log = openWinstonLog({ level: 'error', stream: process.stderr, fields: { component: 'plexusctl' } })
  const credentials = openKubeconfigCredentials({ file, context, clock })
  return openHttpClient(openTransport({ credentials, clock, random: Math.random, log, userAgent: 'plexusctl' }))
}

process.exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  connect,
})
