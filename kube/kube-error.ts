// Decides how a failed API call is told to callers: one error class with the server's reason, causes and wait. Never decides whether to retry.

/** One entry of Status.details.causes: which field was refused and why. */
export interface ErrorCause {
  readonly field: string
  readonly reason: string
  readonly message: string
}

/** What is known about a failed call. `status` is 0 when no answer came (connection refused, reset, deadline). */
export interface KubeFailure {
  readonly status: number
  /** The server's metav1.Status reason (`NotFound`, `Conflict`, `AlreadyExists`, `Expired` …), or `Unreachable`, `Timeout`, `Malformed`. */
  readonly reason: string
  readonly message: string
  readonly causes: readonly ErrorCause[]
  /** How long the server asked to wait; undefined when it did not say. */
  readonly retryAfterMs: number | undefined
}

/** A failed call to the API server. */
export class KubeError extends Error {
  readonly status: number
  readonly reason: string
  readonly causes: readonly ErrorCause[]
  readonly retryAfterMs: number | undefined

  constructor(failure: KubeFailure, options?: { readonly cause?: unknown }) {
    super(failure.message, options)
    this.name = 'KubeError'
    this.status = failure.status
    this.reason = failure.reason
    this.causes = failure.causes
    this.retryAfterMs = failure.retryAfterMs
  }
}

/** True for a KubeError with one of these reasons or statuses. */
export function isKubeError(error: unknown, ...anyOf: readonly (string | number)[]): error is KubeError {
  if (!(error instanceof KubeError)) return false
  return anyOf.length === 0 || anyOf.includes(error.reason) || anyOf.includes(error.status)
}

/** True when the name belongs to another object by now: PUT and DELETE with a uid answer 409, a patch with a uid answers 422. */
export function isOtherObject(error: unknown): boolean {
  return isKubeError(error, 409) || (isKubeError(error, 422) && error.causes.some(({ field }) => field === 'metadata.uid'))
}
