// Decides what one line of a watch means. Pure; objects pass through unread.
import type { WatchEvent } from './client.ts'
import { KubeError } from './kube-error.ts'
import { failureOfStatus } from './kube-status.ts'

/** Reads a line; throws KubeError `Malformed` for what no API server sends. */
export function parseWatchEvent(what: string, line: string): WatchEvent {
  const event: unknown = parse(what, line)
  if (typeof event !== 'object' || event === null || !('type' in event) || !('object' in event)) throw malformed(what, undefined)
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type: event.type, object: event.object }
    case 'BOOKMARK':
      return { type: 'BOOKMARK', ...bookmarkOf(what, event.object) }
    case 'ERROR':
      return { type: 'ERROR', error: new KubeError(failureOfStatus(what, event.object)) }
    default:
      throw malformed(what, undefined)
  }
}

function bookmarkOf(what: string, object: unknown): { readonly resourceVersion: string; readonly initialEventsEnd: boolean } {
  const metadata = typeof object === 'object' && object !== null && 'metadata' in object ? object.metadata : undefined
  if (
    typeof metadata !== 'object' ||
    metadata === null ||
    !('resourceVersion' in metadata) ||
    typeof metadata.resourceVersion !== 'string'
  ) {
    throw malformed(what, undefined)
  }
  const annotations = 'annotations' in metadata ? metadata.annotations : undefined
  const ended = typeof annotations === 'object' && annotations !== null && 'k8s.io/initial-events-end' in annotations
  return { resourceVersion: metadata.resourceVersion, initialEventsEnd: ended && annotations['k8s.io/initial-events-end'] === 'true' }
}

function parse(what: string, line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw malformed(what, cause)
  }
}

function malformed(what: string, cause: unknown): KubeError {
  const message = `${what} sent a line that is not a watch event; something between here and the API server changes its answers`
  return new KubeError({ status: 0, reason: 'Malformed', message, causes: [], retryAfterMs: undefined }, { cause })
}
