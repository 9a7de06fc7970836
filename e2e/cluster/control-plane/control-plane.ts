// Starts etcd, the API server, the controller-manager and the scheduler in one sandbox. Which flags they get is decided in `flags.ts`.
import { mkdir, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import type { Binaries } from '../build/build.ts'
import { ClusterError } from '../cluster-error.ts'
import type { ClusterPlace } from '../place.ts'
import { component, type Component } from '../process/component.ts'
import { run } from '../process/run.ts'
import { insideSandbox, type Sandbox } from '../process/sandbox.ts'
import { type Access, apiUrl, kubeconfigFor, tokenFile } from './access.ts'
import { apiserverFlags, auditPolicy, controllerManagerFlags, type ControlPlaneSettings, etcdFlags, schedulerFlags } from './flags.ts'
import { writePki } from './pki.ts'

export interface ControlPlane {
  readonly etcd: Component
  readonly apiserver: Component
  readonly controllerManager: Component
  readonly scheduler: Component
}

/** Writes certificates, tokens and kubeconfigs of a new cluster. */
export async function writeAccess(cluster: ClusterPlace, folder: string, accesses: readonly Access[]): Promise<void> {
  const ca = await writePki(join(folder, 'pki'), { apiAddress: cluster.apiAddress, now: new Date() })
  await mkdir(join(folder, 'kubeconfigs'), { recursive: true, mode: 0o700 })
  await writeFile(join(folder, 'tokens.csv'), tokenFile(accesses), { mode: 0o600 })
  await writeFile(join(folder, 'audit-policy.json'), JSON.stringify(auditPolicy))
  for (const access of accesses) {
    const text = kubeconfigFor(access, { apiAddress: cluster.apiAddress, ca, cluster: `plexus-${cluster.name}` })
    await writeFile(join(folder, 'kubeconfigs', `${access.file}.json`), text, { mode: 0o600 })
  }
}

export interface ControlPlaneOptions {
  readonly cluster: ClusterPlace
  readonly settings: ControlPlaneSettings
  readonly binaries: Binaries
  readonly sandbox: () => Sandbox
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The API server's CA and the admin's token, once they are written. */
  readonly admin: () => { readonly ca: string; readonly token: string }
}

/** The four components; starts none. */
export function controlPlane(options: ControlPlaneOptions): ControlPlane {
  const { settings, binaries, sandbox, environment } = options
  const { folder } = settings
  const kubernetes = (name: string): string => join(binaries.kubernetes, name)
  const of = (name: string, argv: readonly string[], serves: (signal: AbortSignal) => Promise<void>): Component =>
    component(folder, { name, sandbox, argv, environment, serves })
  const listens = (port: number) => async (signal: AbortSignal) => {
    const listeners = await run(insideSandbox(sandbox(), ['ss', '-Hltn', `sport = :${port}`]), { signal, deadline: 5_000 })
    if (listeners.trim() === '') throw new ClusterError(`nothing listens on port ${port}`)
  }
  return {
    etcd: of('etcd', [join(binaries.etcd, 'etcd'), ...etcdFlags(settings)], listens(2379)),
    apiserver: of('kube-apiserver', [kubernetes('kube-apiserver'), ...apiserverFlags(settings)], (signal) =>
      isReady(apiUrl(options.cluster.apiAddress), { ...options.admin(), signal }),
    ),
    controllerManager: of(
      'kube-controller-manager',
      [kubernetes('kube-controller-manager'), ...controllerManagerFlags(settings)],
      listens(10257),
    ),
    scheduler: of('kube-scheduler', [kubernetes('kube-scheduler'), ...schedulerFlags(settings)], listens(10259)),
  }
}

async function isReady(url: string, options: { readonly ca: string; readonly token: string; readonly signal: AbortSignal }): Promise<void> {
  const headers = { authorization: `Bearer ${options.token}` }
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const call = request(`${url}/readyz`, { ca: options.ca, signal: options.signal, headers, timeout: 2_000 })
    call.on('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    call.on('timeout', () => call.destroy(new ClusterError('no answer within 2 s')))
    call.on('error', reject)
    call.end()
  })
  if (status !== 200) throw new ClusterError(`/readyz answers ${status}`)
}
