// The watch streams of a fake API server: which events reach whom, and every way a stream can go wrong.
import type { ServerResponse } from 'node:http'
import type { Coordinates, FakeObjects, Happening, Stored } from './fake-objects.ts'
import { resourceId, sequenceOf, versionText } from './fake-objects.ts'
import type { Asked } from './fake-select.ts'
import { isSelected } from './fake-select.ts'

/** One open stream, to be disturbed by a test. */
export interface OpenWatch {
  readonly resource: string
  /** Sends bytes as they are, for half lines and garbage. */
  raw(text: string): void
  bookmark(): void
  /** An ERROR event with this code, and the end of the stream. */
  error(code: number, reason: string): void
  end(): void
  reset(): void
  /** From now on nothing is sent, while the connection stays open. */
  stall(): void
}

export interface FakeWatches {
  open(response: ServerResponse, request: WatchRequest): void
  /** Streams that are open now. */
  all(resource?: Coordinates): readonly OpenWatch[]
}

export interface WatchRequest {
  readonly resource: Coordinates
  readonly asked: Asked
  /** Empty: from now on, with the present state first. */
  readonly resourceVersion: string
  readonly sendInitialEvents: boolean
  /** Bytes per chunk; undefined sends whole lines. */
  readonly chop: number | undefined
}

export function openFakeWatches(objects: FakeObjects): FakeWatches {
  const open = new Set<OpenWatch>()
  return {
    all: (resource) => [...open].filter((watch) => resource === undefined || watch.resource === resourceId(resource)),
    open: (response, request) => {
      const { resource } = request
      const isFull = request.sendInitialEvents || request.resourceVersion === ''
      const missed = isFull ? [] : objects.since(resource, sequenceOf(request.resourceVersion))
      const stream = openStream(response, request.chop)
      const watch = watchOn(stream, resourceId(resource), () => bookmark(resource, objects.sequence(), false))
      const tell = (happening: Happening): void => {
        const event = happening.resource === resourceId(resource) ? eventFor(happening, request.asked) : undefined
        if (event !== undefined) stream.line(event)
      }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.flushHeaders()
      if (isFull) {
        for (const object of objects.list(resource)) {
          if (isSelected(object, request.asked)) stream.line({ type: 'ADDED', object })
        }
      }
      if (request.sendInitialEvents) stream.line(bookmark(resource, objects.sequence(), true))
      for (const happening of missed) tell(happening)
      const unsubscribe = objects.onHappening(tell)
      open.add(watch)
      response.on('close', () => {
        unsubscribe()
        open.delete(watch)
      })
    },
  }
}

interface Stream {
  line(value: unknown): void
  raw(text: string): void
  stall(): void
  readonly response: ServerResponse
}

function openStream(response: ServerResponse, chop: number | undefined): Stream {
  let stalled = false
  const write = (text: string): void => {
    if (stalled) return
    for (let at = 0; at < text.length; at += chop ?? text.length) response.write(text.slice(at, at + (chop ?? text.length)))
  }
  return {
    response,
    raw: write,
    line: (value) => write(`${JSON.stringify(value)}\n`),
    stall: () => {
      stalled = true
    },
  }
}

function watchOn(stream: Stream, resource: string, makeBookmark: () => unknown): OpenWatch {
  return {
    resource,
    raw: (text) => stream.raw(text),
    bookmark: () => stream.line(makeBookmark()),
    error: (code, reason) => {
      stream.line({
        type: 'ERROR',
        object: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: `${reason} in the stream` },
      })
      stream.response.end()
    },
    end: () => void stream.response.end(),
    reset: () => void stream.response.socket?.resetAndDestroy(),
    stall: () => stream.stall(),
  }
}

function bookmark(resource: Coordinates, sequence: number, isInitialEnd: boolean): unknown {
  const annotations = isInitialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}
  return { type: 'BOOKMARK', object: { kind: resource.kind, metadata: { resourceVersion: versionText(sequence), ...annotations } } }
}

/** An object that stops being selected is deleted for this watch, one that starts to be is added. */
function eventFor(happening: Happening, asked: Asked): { readonly type: Happening['type']; readonly object: Stored } | undefined {
  const is = happening.type !== 'DELETED' && isSelected(happening.object, asked)
  const was = happening.previous !== undefined && isSelected(happening.previous, asked)
  if (!is && !was) return undefined
  if (!is) return { type: 'DELETED', object: happening.object }
  return { type: was ? 'MODIFIED' : 'ADDED', object: happening.object }
}
