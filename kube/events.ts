// Decides how a transition becomes a Kubernetes Event: one per object, reason and message, counted within ten minutes. Never blocks its caller.
import type { KubeObject } from './resource.ts'

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
  /** Resolves when everything recorded so far is written or dropped. */
  flush(): Promise<void>
}
