// Adapter of the credentials port to a pod's ServiceAccount: token and CA files, read again when they may have changed. Never imports a Kubernetes library.
import { readFile } from 'node:fs/promises'
import type { Authorization, Credentials, TlsMaterial } from './credentials.ts'
import { KubeError } from './kube-error.ts'
import type { Clock } from './process/clock.ts'
import type { Log } from './process/log.ts'

export interface InClusterOptions {
  /** KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, as main read them. */
  readonly host: string
  readonly port: string
  /** Normally /var/run/secrets/kubernetes.io/serviceaccount/token and …/ca.crt. */
  readonly tokenFile: string
  readonly caFile: string
  readonly clock: Clock
  readonly log: Log
}

/** The kubelet rewrites a token long before it ends; the API server accepts the old one meanwhile. */
const readAgainMs = 60_000

interface Held {
  readonly authorization: Authorization
  readonly at: number
}

/** Opens the credentials; files are read at the first request. */
export function openInClusterCredentials(options: InClusterOptions): Credentials {
  const { clock, log } = options
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  let held: Held | undefined
  let reading: Promise<Authorization> | undefined
  let stale = false

  const read = async (): Promise<Authorization> => {
    const [token, ca] = await Promise.all([readFile(options.tokenFile, 'utf8'), readFile(options.caFile, 'utf8')])
    const tls: TlsMaterial = held?.authorization.tls.ca === ca ? held.authorization.tls : { ca }
    return { tls, headers: { authorization: `Bearer ${token.trim()}` } }
  }
  const readOrKeep = async (): Promise<Authorization> => {
    try {
      const authorization = await read()
      held = { authorization, at: clock.monotonic() }
      stale = false
      return authorization
    } catch (cause) {
      if (held === undefined) throw unreadable(options, cause)
      log.warn('credentials could not be read again; the last ones stay in use', { file: options.tokenFile, error: cause })
      held = { ...held, at: clock.monotonic() }
      return held.authorization
    }
  }
  return {
    server: `https://${host}:${options.port}`,
    authorize: async () => {
      if (held !== undefined && !stale && clock.monotonic() - held.at < readAgainMs) return held.authorization
      reading ??= readOrKeep().finally(() => {
        reading = undefined
      })
      return await reading
    },
    forget: () => {
      stale = true
    },
  }
}

function unreadable(options: InClusterOptions, cause: unknown): KubeError {
  const message = `the ServiceAccount files ${options.tokenFile} and ${options.caFile} could not be read; mount the token with automountServiceAccountToken`
  return new KubeError({ status: 0, reason: 'NoCredentials', message, causes: [], retryAfterMs: undefined }, { cause })
}
