// Decides how a transition becomes a Kubernetes Event: one per object, reason and message, counted within ten minutes. Never blocks its caller.
import { parseKubeObject } from './answers.ts'
import type { KubeWriter } from './client.ts'
import { isKubeError } from './kube-error.ts'
import { microTime } from './micro-time.ts'
import { openTlruCache } from './process/cache.ts'
import type { Clock, Random } from './process/clock.ts'
import type { Log } from './process/log.ts'
import { openTokenBucket } from './process/token-bucket.ts'
import type { KubeObject, Resource } from './resource.ts'
import { keyOf } from './resource.ts'

/** A transition worth telling a user. */
export interface EventNote {
  /** The object it is about; apiVersion and kind must be set. */
  readonly about: KubeObject
  readonly type: 'Normal' | 'Warning'
  /** CamelCase and stable: it is API. */
  readonly reason: string
  /** What was done or tried, in CamelCase, for example `Render`. */
  readonly action: string
  /** A sentence for users; cut at 1,024 bytes. */
  readonly message: string
}

export interface EventRecorder {
  /** Queues an event; one that cannot be written is logged and dropped. */
  record(note: EventNote): void
  /** Resolves when everything recorded so far is written or dropped, and after 5 s at the latest: an API server that is away holds up no exit. */
  flush(): Promise<void>
}

export interface EventRecorderOptions {
  readonly client: KubeWriter
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** For example `plexus.dev/operator`, and the pod or node it runs on. */
  readonly controller: string
  readonly instance: string
}

const sameWithinMs = 600_000
const longestNote = 1024
const mostWaiting = 500
/** Events are for people: in a burst they are written after the work, not beside it. */
const pace = { perSecond: 10, burst: 10 }
const longestFlushMs = 5000

/** One event that may still be counted up. */
interface Written {
  readonly name: string
  readonly namespace: string
  readonly count: number
}

/** Opens a recorder. */
export function openEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { clock, log } = options
  const written = openTlruCache<Written>({ max: 1024, ttlMs: sameWithinMs, clock })
  const bucket = openTokenBucket({ ...pace, clock })
  let last: Promise<void> = Promise.resolve()
  let waiting = 0
  let hurry = new AbortController()

  const turn = async (): Promise<void> => {
    const ms = bucket.reserve()
    if (ms > 0) await clock.sleep(ms, hurry.signal).catch(() => undefined) // Woken early by flush.
  }
  let made = 0
  const write = async (note: EventNote, at: Date): Promise<void> => {
    const key = JSON.stringify([note.about.kind, note.about.metadata.uid, keyOf(note.about), note.type, note.reason, note.message])
    try {
      const known = written.get(key)
      written.set(
        key,
        (known === undefined ? undefined : await countUp(options, known)) ??
          (await createEvent(options, note, { at, serial: (made += 1) })),
      )
    } catch (error) {
      log.warn('an event could not be written and is dropped', { object: keyOf(note.about), reason: note.reason, error })
    }
  }
  return {
    record: (note) => {
      if (waiting >= mostWaiting) {
        log.warn('too many events wait; one is dropped', { object: keyOf(note.about), reason: note.reason })
        return
      }
      waiting += 1
      // One after the other: a repetition must find what was written before it.
      const at = clock.now()
      last = last
        .then(turn)
        .then(() => write(note, at))
        .finally(() => {
          waiting -= 1
        })
    },
    flush: () =>
      new Promise((resolve) => {
        hurry.abort(new Error('events are flushed'))
        const cancel = clock.after(longestFlushMs, () => {
          log.warn('events are given up', { waiting })
          resolve()
        })
        const done = (): void => {
          cancel()
          hurry = new AbortController()
          resolve()
        }
        last.then(done, done)
      }),
  }
}

/** Counts a known event up; undefined when it has been deleted meanwhile. */
async function countUp(options: EventRecorderOptions, known: Written): Promise<Written | undefined> {
  const next = { ...known, count: known.count + 1 }
  const body = { series: { count: next.count, lastObservedTime: microTime(options.clock.now()) } }
  try {
    await options.client.patch(events, known, { patch: { type: 'merge', body }, deadlineMs: 10_000 })
    return next
  } catch (error) {
    if (isKubeError(error, 404)) return undefined
    throw error
  }
}

async function createEvent(
  options: EventRecorderOptions,
  note: EventNote,
  { at, serial }: { readonly at: Date; readonly serial: number },
): Promise<Written> {
  const { clock, random } = options
  const { metadata, apiVersion, kind } = note.about
  const namespace = metadata.namespace ?? 'default'
  const suffix = `${clock.now().getTime().toString(16)}${Math.floor(random() * 0x1_00_00).toString(16)}${serial.toString(16)}`
  const name = `${metadata.name.slice(0, 230)}.${suffix}`
  const body = {
    metadata: { name, namespace },
    eventTime: microTime(at),
    reportingController: options.controller,
    reportingInstance: options.instance.slice(0, 128),
    action: note.action,
    reason: note.reason,
    type: note.type,
    note: cut(note.message),
    regarding: { apiVersion, kind, name: metadata.name, namespace: metadata.namespace, uid: metadata.uid },
  }
  await options.client.create(events, body, { deadlineMs: 10_000 })
  return { name, namespace, count: 1 }
}

const events: Resource<KubeObject> = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
  parse: parseKubeObject,
}

/** The API counts bytes; a cut in the middle of a character would be invalid. */
function cut(message: string): string {
  const bytes = Buffer.from(message)
  if (bytes.length <= longestNote) return message
  const text = new TextDecoder().decode(bytes.subarray(0, longestNote - 3), { stream: true })
  return `${text}…`
}
