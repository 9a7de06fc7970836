// Adapter of the credentials port to a kubeconfig, with its exec and OIDC plugins. For operator and CLI; the node agent must not import it (80 MB).
import type { RequestOptions } from 'node:https'
import { KubeConfig } from '@kubernetes/client-node/dist/config.js'
import type { Authorization, Credentials, TlsMaterial } from './credentials.ts'
import { KubeError } from './kube-error.ts'
import type { Clock } from './process/clock.ts'

export interface KubeconfigOptions {
  /** Path of the file. */
  readonly file: string
  /** Name of the context; its current one when not given. */
  readonly context?: string | undefined
  readonly clock: Clock
}

/** The library reads certificate files synchronously each time it is asked, so it is asked seldom. */
const readAgainMs = 30_000

/** Opens the credentials of a kubeconfig's context; throws KubeError `NoCredentials` that says what is wrong with the file. */
export function openKubeconfigCredentials(options: KubeconfigOptions): Credentials {
  const config = load(options)
  const server = config.getCurrentCluster()?.server
  if (server === undefined) throw unusable(options, 'its context names no cluster', undefined)
  let held: { readonly authorization: Authorization; readonly at: number } | undefined
  let reading: Promise<Authorization> | undefined

  const read = async (): Promise<Authorization> => {
    const given: RequestOptions = {}
    try {
      await config.applyToHTTPSOptions(given)
    } catch (cause) {
      throw unusable(options, 'its user cannot be authenticated', cause)
    }
    const tls = tlsOf(given)
    const same = held !== undefined && JSON.stringify(held.authorization.tls) === JSON.stringify(tls)
    const authorization = { tls: same && held !== undefined ? held.authorization.tls : tls, headers: headersOf(given) }
    held = { authorization, at: options.clock.monotonic() }
    return authorization
  }
  return {
    server,
    authorize: async () => {
      if (held !== undefined && options.clock.monotonic() - held.at < readAgainMs) return held.authorization
      reading ??= read().finally(() => {
        reading = undefined
      })
      return await reading
    },
    forget: () => {
      if (held !== undefined) held = { ...held, at: Number.NEGATIVE_INFINITY }
    },
  }
}

function load(options: KubeconfigOptions): KubeConfig {
  const config = new KubeConfig()
  try {
    config.loadFromFile(options.file)
    if (options.context !== undefined) config.setCurrentContext(options.context)
    return config
  } catch (cause) {
    throw unusable(options, 'it cannot be read as one', cause)
  }
}

function tlsOf(given: RequestOptions): TlsMaterial {
  const { ca, cert, key, servername, rejectUnauthorized } = given
  return {
    ...(ca === undefined ? {} : { ca: pem(ca) }),
    ...(cert === undefined ? {} : { cert: pem(cert) }),
    ...(key === undefined ? {} : { key: pem(key) }),
    ...(servername === undefined ? {} : { servername }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  }
}

function headersOf(given: RequestOptions): Readonly<Record<string, string>> {
  const headers = Object.entries(given.headers ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[name.toLowerCase(), String(value)] as const],
  )
  const basic = typeof given.auth === 'string' ? [['authorization', `Basic ${Buffer.from(given.auth).toString('base64')}`] as const] : []
  return Object.fromEntries([...basic, ...headers])
}

/** The library gives Buffers of PEM text. */
function pem(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString('utf8') : String(value)
}

function unusable(options: KubeconfigOptions, problem: string, cause: unknown): KubeError {
  const message = `kubeconfig ${options.file}: ${problem}; give a file that kubectl can use`
  return new KubeError({ status: 0, reason: 'NoCredentials', message, causes: [], retryAfterMs: undefined }, { cause })
}
