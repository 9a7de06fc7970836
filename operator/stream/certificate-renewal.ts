// Decides when the serving certificate is issued again: at two thirds of its life, or when the CA was rotated. Never decides what it looks like.
import type { Clock } from '#kube/process/clock'
import { withDeadline } from '#kube/process/deadline'
import type { Log } from '#kube/process/log'
import type { Metrics } from '#kube/process/metrics'
import type { AuthorityStore } from './authority-store.ts'
import { type Authority, issueServing, lifetimeOf, type ServingCertificate } from './certificates.ts'

export interface CertificateRenewal {
  /** The certificate to start with. */
  readonly certificate: ServingCertificate
  stop(): void
}

export interface CertificateRenewalOptions {
  readonly store: AuthorityStore
  /** DNS names, the first is the server name that agents expect. */
  readonly names: readonly string[]
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly signal: AbortSignal
  onRenewed(certificate: ServingCertificate): void
}

const CHECK_MS = 3_600_000
const RETRY_MS = 60_000
const LIMIT_MS = 30_000

interface Issued {
  readonly authority: Authority
  readonly certificate: ServingCertificate
}

/** Issues the first certificate, then looks every hour. Rejects when the CA cannot be read or written. */
export async function startCertificateRenewal(options: CertificateRenewalOptions): Promise<CertificateRenewal> {
  const { clock, log, names, store } = options
  const expiry = options.metrics.gauge({ name: 'credential_expiry_seconds', help: 'Seconds until a credential ends.', labels: ['kind'] })
  let cancel = (): void => undefined

  const issue = async (last: Issued | undefined): Promise<Issued> => {
    const authority = await withDeadline({ what: 'reading the stream CA', ms: LIMIT_MS, clock, signals: [options.signal] }, (signal) =>
      store.ensure(clock.now(), signal),
    )
    const isKept = last !== undefined && last.authority.cert === authority.cert && !isDue(last.certificate, clock.now())
    const certificate = isKept ? last.certificate : await issueServing(authority, names, clock.now())
    show(authority.cert, 'stream-ca')
    show(certificate.cert, 'stream-serving')
    return { authority, certificate }
  }
  const show = (cert: string, kind: string): void => {
    const lifetime = lifetimeOf(cert)
    if (lifetime !== undefined) expiry.with({ kind }).set((lifetime.notAfter.getTime() - clock.now().getTime()) / 1000)
  }
  const check = async (last: Issued): Promise<void> => {
    try {
      const next = await issue(last)
      if (next.certificate !== last.certificate) {
        options.onRenewed(next.certificate)
        log.info('the stream serves with a new certificate', { until: lifetimeOf(next.certificate.cert)?.notAfter })
      }
      plan(next, CHECK_MS)
    } catch (error) {
      if (options.signal.aborted) return
      log.warn('the stream certificate could not be checked; the present one stays', { error })
      plan(last, RETRY_MS)
    }
  }
  const plan = (last: Issued, ms: number): void => {
    // Detached: check never rejects.
    if (!options.signal.aborted) cancel = clock.after(ms, () => void check(last))
  }
  const first = await issue(undefined)
  plan(first, CHECK_MS)
  return { certificate: first.certificate, stop: () => cancel() }
}

function isDue({ cert }: ServingCertificate, now: Date): boolean {
  const lifetime = lifetimeOf(cert)
  return lifetime === undefined || now >= lifetime.renewAt
}
