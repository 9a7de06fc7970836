// Decides which version of an object is the newest known: the store's, or the answer to our own last write that the watch has not brought yet.
import { type KubeObject, keyOf } from '#kube/resource'

export interface Written<T extends KubeObject> {
  /** The newest known version of what the store gave. */
  newest(stored: T): T
  /** Remembers the answer to a write that was decided on `stored`. */
  remember(stored: T, answer: T): void
  forget(key: string): void
}

/** Without this a second reconcile within the watch's delay would write the same status again. */
export function openWritten<T extends KubeObject>(): Written<T> {
  const answers = new Map<string, { readonly over: string | undefined; readonly answer: T }>()
  return {
    newest: (stored) => {
      const key = keyOf(stored)
      const known = answers.get(key)
      if (known === undefined) return stored
      if (known.over === stored.metadata.resourceVersion) return known.answer
      answers.delete(key)
      return stored
    },
    remember: (stored, answer) => void answers.set(keyOf(stored), { over: stored.metadata.resourceVersion, answer }),
    forget: (key) => void answers.delete(key),
  }
}
