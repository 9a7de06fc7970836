// Decides what a reflector does after a list or a stream ended. Pure.
import type { KubeError } from './kube-error.ts'

/** Edges of the state machine and what else is worth counting. */
export type ReflectorEdge =
  | 'started'
  | 'listed'
  | 'fell-back-to-list'
  | 'watch-opened'
  | 'watch-ended'
  | 'watch-failed'
  | 'list-failed'
  | 'expired'
  | 'stalled'
  | 'throttled'
  | 'unreadable-object'
  | 'rejected-by-store'
  | 'stopped'

/** How one list or one stream ended. `initial`: while the full state was still being read. */
export type SessionEnd =
  /** The server closed the stream, as it does after timeoutSeconds. `quick`: at once and without an event. */
  | { readonly kind: 'ended'; readonly initial: boolean; readonly quick: boolean }
  /** A list is complete; the watch starts. */
  | { readonly kind: 'listed' }
  | { readonly kind: 'failed'; readonly initial: boolean; readonly error: KubeError; readonly during: 'list' | 'open' | 'stream' }
  /** `again`: the stream before it was silent as well. */
  | { readonly kind: 'silent'; readonly initial: boolean; readonly again: boolean }
  | { readonly kind: 'rejected'; readonly error: unknown }

/** What comes next. `relist`: forget the position. `watchList`: whether streaming the full state may be tried again. */
export interface Step {
  /** What to count; a full state was counted when it was accepted. */
  readonly edge: ReflectorEdge | undefined
  readonly relist: boolean
  readonly wait: 'none' | 'backoff'
  readonly atLeastMs?: number | undefined
  readonly watchList: 'yes' | 'never' | 'not-next'
}

const again = { relist: false, wait: 'backoff', watchList: 'yes' } as const

/** The step after an end. */
export function stepAfter(end: SessionEnd): Step {
  switch (end.kind) {
    case 'listed':
      return { edge: undefined, relist: false, wait: 'none', watchList: 'yes' }
    case 'ended':
      // A server that ends streams at once would be asked in a tight loop.
      return { ...again, edge: 'watch-ended', relist: end.initial, wait: end.initial || end.quick ? 'backoff' : 'none' }
    case 'silent':
      // A server that does not know initial events never ends them. One that was restored from an older etcd is silent at a version of the future.
      return { ...again, edge: 'stalled', relist: end.initial || end.again, watchList: end.initial ? 'not-next' : 'yes' }
    case 'rejected':
      return { ...again, edge: 'rejected-by-store', relist: true }
    case 'failed':
      return stepAfterFailure(end)
    default:
      return end satisfies never
  }
}

function stepAfterFailure(end: Extract<SessionEnd, { readonly kind: 'failed' }>): Step {
  const { error, initial, during } = end
  const step = { ...again, atLeastMs: error.retryAfterMs }
  if (initial && during === 'open' && (error.status === 400 || error.status === 422)) {
    return { ...step, edge: 'fell-back-to-list', relist: true, wait: 'none', watchList: 'never' }
  }
  if (isExpired(error)) return { ...step, edge: 'expired', relist: true }
  if (error.status === 429) return { ...step, edge: 'throttled', relist: initial }
  // An error inside a stream says that events may be missing, so the position is not trusted any more.
  return { ...step, edge: initial ? 'list-failed' : 'watch-failed', relist: initial || (during === 'stream' && error.status !== 0) }
}

/** The position is older than the server's history, or newer than the server itself (etcd was restored). */
function isExpired(error: KubeError): boolean {
  return error.status === 410 || error.causes.some(({ reason }) => reason === 'ResourceVersionTooLarge')
}
