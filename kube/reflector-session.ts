// Reads one full state or one stream into the sink and says how it ended. Decides only what is accepted, never what happens next.
import { parseKubeObject } from './answers.ts'
import type { KubeReader, Selection, WatchEvent } from './client.ts'
import { isKubeError, KubeError } from './kube-error.ts'
import { failureOfNetwork } from './kube-status.ts'
import type { Clock } from './process/clock.ts'
import { linkSignals } from './process/linked-signal.ts'
import type { Log } from './process/log.ts'
import { openWatchdog } from './process/watchdog.ts'
import type { ReflectorEdge, SessionEnd } from './reflector-step.ts'
import type { KubeObject, Resource } from './resource.ts'
import { keyOf } from './resource.ts'
import type { Replacement, StoreSink } from './store.ts'

/** Where a reflector stands; survives its sessions. `resourceVersion` is undefined until a full state was accepted. */
export interface Position {
  resourceVersion: string | undefined
  bookmarksSeen: boolean
  /** The last stream ended in silence. */
  silent: boolean
}

export interface SessionOptions<T extends KubeObject> {
  readonly client: KubeReader
  readonly resource: Resource<T>
  readonly selection: Selection
  readonly sink: StoreSink<T>
  readonly position: Position
  readonly watchSeconds: number
  /** Longest silence of a stream: while it sends the full state, and afterwards with bookmarks. */
  readonly initialMs: number
  readonly inactivityMs: number
  readonly clock: Clock
  readonly log: Log
  onEdge(edge: ReflectorEdge): void
  /** Any sign of life; `isNews` for one that came after the full state. */
  onActivity(isNews: boolean): void
  readonly signal: AbortSignal
}

/** The object did not fit the store; the position must not advance past it. */
class RejectedError extends Error {}

/** Lists all pages into the sink. Rejects only with the reason of the signal. */
export async function listOnce<T extends KubeObject>(options: SessionOptions<T>): Promise<SessionEnd> {
  const { client, resource, selection, signal } = options
  const collecting = options.sink.replacement()
  let resourceVersion = ''
  try {
    for await (const page of client.list({ ...resource, parse: (value) => value }, selection, { signal })) {
      options.onActivity(false)
      for (const item of page.items) collect(options, collecting, { type: 'ADDED', object: item })
      resourceVersion = page.resourceVersion
    }
    signal.throwIfAborted()
    collecting.commit()
    options.position.resourceVersion = resourceVersion
    options.onEdge('listed')
    return { kind: 'listed' }
  } catch (error) {
    signal.throwIfAborted()
    return { kind: 'failed', initial: true, error: kubeErrorOf(options, error), during: 'list' }
  }
}

/** Follows one stream, with the full state first when the position has no version. Rejects only with the reason of the signal. */
export async function watchOnce<T extends KubeObject>(options: SessionOptions<T>): Promise<SessionEnd> {
  const { clock, position, signal } = options
  // Every session has its own controller: when it is over, nothing that still arrives on its stream can be accepted.
  const session = linkSignals([signal])
  const reading = { initial: position.resourceVersion === undefined, opened: false, events: 0, silent: false }
  const watchdog = openWatchdog({
    clock,
    limitMs: () => silenceLimit(options, reading.initial),
    onSilence: () => {
      reading.silent = true
      session.abort(new Error('the stream is silent'))
    },
  })
  const opened = clock.monotonic()
  try {
    const stream = await openStream(options, session.signal)
    reading.opened = true
    options.onEdge('watch-opened')
    const failure = await readStream({ ...options, signal: session.signal }, stream, { reading, touch: () => watchdog.touch() })
    if (failure !== undefined) return { kind: 'failed', initial: reading.initial, error: failure, during: 'stream' }
    return { kind: 'ended', initial: reading.initial, quick: reading.events === 0 && clock.monotonic() - opened < 1000 }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof RejectedError) return { kind: 'rejected', error: error.cause }
    if (reading.silent) return silenceOf(position, reading.initial)
    return { kind: 'failed', initial: reading.initial, error: kubeErrorOf(options, error), during: reading.opened ? 'stream' : 'open' }
  } finally {
    watchdog.stop()
    session.abort(new Error('the stream is over'))
    session.unlink()
  }
}

/** Any event in between makes the next silence a first one. */
function silenceOf(position: Position, initial: boolean): SessionEnd {
  const again = position.silent
  position.silent = true
  return { kind: 'silent', initial, again }
}

interface Reading {
  initial: boolean
  events: number
}

function openStream<T extends KubeObject>(options: SessionOptions<T>, signal: AbortSignal): Promise<AsyncIterable<WatchEvent>> {
  const { resourceVersion } = options.position
  const from = resourceVersion === undefined ? { sendInitialEvents: true } : { resourceVersion }
  return options.client.watch(options.resource, { ...options.selection, ...from, timeoutSeconds: options.watchSeconds, signal })
}

/** Reads to the end; answers the error that the server sent inside the stream, if it did. */
async function readStream<T extends KubeObject>(
  options: SessionOptions<T>,
  stream: AsyncIterable<WatchEvent>,
  state: { readonly reading: Reading; touch(): void },
): Promise<KubeError | undefined> {
  const { reading } = state
  const collecting = options.sink.replacement()
  for await (const event of stream) {
    options.signal.throwIfAborted()
    state.touch()
    reading.events += 1
    options.position.silent = false
    options.onActivity(!reading.initial && event.type !== 'ERROR')
    if (event.type === 'ERROR') return event.error
    if (reading.initial) takeInitial(options, event, { reading, collecting })
    else takeNews(options, event)
  }
  return undefined
}

/** Takes an event while the full state is being sent: nothing shows before it is complete. */
function takeInitial<T extends KubeObject>(
  options: SessionOptions<T>,
  event: Exclude<WatchEvent, { readonly type: 'ERROR' }>,
  state: { readonly reading: Reading; readonly collecting: Replacement<T> },
): void {
  if (event.type !== 'BOOKMARK') {
    collect(options, state.collecting, event)
    return
  }
  if (!event.initialEventsEnd) return
  state.collecting.commit()
  state.reading.initial = false
  options.position.bookmarksSeen = true
  options.position.resourceVersion = event.resourceVersion
  options.onEdge('listed')
}

/** Takes an event after that; the position advances only once the store has accepted it. */
function takeNews<T extends KubeObject>(options: SessionOptions<T>, event: Exclude<WatchEvent, { readonly type: 'ERROR' }>): void {
  const { position } = options
  if (event.type === 'BOOKMARK') position.bookmarksSeen = true
  const version = event.type === 'BOOKMARK' ? event.resourceVersion : accept(options, event)
  position.resourceVersion = version ?? position.resourceVersion
}

type ObjectEvent = Extract<WatchEvent, { readonly object: unknown }>

/** Takes an object into the full state. One that cannot be used keeps what was stored before; it never holds up the others. */
function collect<T extends KubeObject>(options: SessionOptions<T>, collecting: Replacement<T>, event: ObjectEvent): undefined {
  const meta = metaOf(options, event)
  if (meta === undefined) return
  if (event.type === 'DELETED') {
    collecting.remove(meta.key)
    return
  }
  const object = readObject(options, event, meta.key)
  try {
    if (object === undefined) collecting.keep(meta.key)
    else collecting.add(object)
  } catch (error) {
    collecting.keep(meta.key)
    options.onEdge('rejected-by-store')
    options.log.error('an object was not accepted and keeps its last state', {
      resource: options.resource.plural,
      object: meta.key,
      error,
      bug: true,
    })
  }
}

/** Takes one event; answers its version, which is where the stream stands once the store has it. */
function accept<T extends KubeObject>(options: SessionOptions<T>, event: ObjectEvent): string | undefined {
  const meta = metaOf(options, event)
  if (meta === undefined) return undefined
  const object = event.type === 'DELETED' ? undefined : readObject(options, event, meta.key)
  try {
    if (event.type === 'DELETED') options.sink.remove(meta.key)
    else if (object !== undefined) options.sink.put(object)
  } catch (cause) {
    throw new RejectedError('the store did not accept an object', { cause })
  }
  return meta.resourceVersion
}

function metaOf<T extends KubeObject>(
  options: SessionOptions<T>,
  event: ObjectEvent,
): { readonly key: string; readonly resourceVersion: string | undefined } | undefined {
  try {
    const object = parseKubeObject(event.object)
    return { key: keyOf(object), resourceVersion: object.metadata.resourceVersion }
  } catch (error) {
    unreadable(options, undefined, error)
    return undefined
  }
}

function readObject<T extends KubeObject>(options: SessionOptions<T>, event: ObjectEvent, key: string): T | undefined {
  try {
    return options.resource.parse(event.object)
  } catch (error) {
    unreadable(options, key, error)
    return undefined
  }
}

function unreadable<T extends KubeObject>(options: SessionOptions<T>, object: string | undefined, error: unknown): void {
  options.onEdge('unreadable-object')
  options.log.warn('an object cannot be read and keeps its last state', { resource: options.resource.plural, object, error })
}

/** A server that sends bookmarks does so about every minute; one that does not must at least end the stream in time. */
function silenceLimit<T extends KubeObject>(options: SessionOptions<T>, initial: boolean): number {
  if (initial) return options.initialMs
  return options.position.bookmarksSeen ? options.inactivityMs : options.watchSeconds * 1000 + options.inactivityMs
}

function kubeErrorOf<T extends KubeObject>(options: SessionOptions<T>, error: unknown): KubeError {
  return isKubeError(error) ? error : new KubeError(failureOfNetwork(`watch ${options.resource.plural}`, error), { cause: error })
}
