// Decides what a transport must know to talk to one API server. Never reads a file: adapters `in-cluster-credentials.ts`, `kubeconfig-credentials.ts`.

/** TLS material as PEM text. The same object is answered until something changed, so that identity tells when to reconnect. */
export interface TlsMaterial {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly servername?: string | undefined
  readonly rejectUnauthorized?: boolean | undefined
}

/** What one request needs. */
export interface Authorization {
  readonly tls: TlsMaterial
  readonly headers: Readonly<Record<string, string>>
}

/** The credentials of one process for one API server. */
export interface Credentials {
  /** Origin and path prefix, for example `https://10.0.0.1:6443`. */
  readonly server: string
  /** Fresh headers and TLS material; cheap to call for every request. */
  authorize(signal: AbortSignal): Promise<Authorization>
  /** The server refused the last authorization (401, TLS): read it anew next time. */
  forget(): void
}
