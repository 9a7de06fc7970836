// Decides what is known of each node's answer to what it was sent: confirmed, rejected or still waiting. Never decides what the answer means.
import { type Ack, compareRevisions, type Rejection, type Revision, type StreamKind } from '#api/stream'
import type { Entry, Hub } from './hub.ts'

/** A node's answer about one object. */
export type Answer = { readonly kind: 'waiting' } | { readonly kind: 'confirmed' } | { readonly kind: 'rejected'; readonly message: string }

export interface Acks {
  /** Takes over the whole truth of a node. `stale`: of another leader's term, or older than the last one. */
  accept(node: string, ack: Ack): 'accepted' | 'stale'
  /** Forgets what a node said: it does not exist any more, or its agent is away for long. */
  forget(node: string): void
  answer(node: string, kind: StreamKind, key: string): Answer
  /** Whether this node said anything in this term. */
  hasAnswered(node: string): boolean
}

export interface AcksOptions {
  readonly hub: Hub
  /** An answer changed. Must only enqueue. */
  readonly onChange: (change: { readonly node: string; readonly kind: StreamKind; readonly key: string }) => void
}

interface Truth {
  readonly revision: Revision
  readonly rejected: ReadonlyMap<string, Rejection>
}

/** Opens the register of one term of leadership. */
export function openAcks({ hub, onChange }: AcksOptions): Acks {
  const truths = new Map<string, Truth>()
  const change = (node: string, truth: Truth | undefined): void => {
    const before = truths.get(node)
    if (truth === undefined) truths.delete(node)
    else truths.set(node, truth)
    for (const entry of hub.held(node)) {
      if (entry.kind === 'namespace') continue // Nobody asks whether labels arrived, and there are thousands.
      if (!isSame(answerOf(before, entry), answerOf(truth, entry))) onChange({ node, kind: entry.kind, key: entry.key })
    }
  }
  return {
    accept: (node, ack) => {
      const before = truths.get(node)
      const isForeign = ack.revision.epoch !== hub.revision().epoch || compareRevisions(ack.revision, hub.revision()) > 0
      if (isForeign || (before !== undefined && compareRevisions(ack.revision, before.revision) < 0)) return 'stale'
      change(node, {
        revision: ack.revision,
        rejected: new Map(ack.rejected.map((rejection) => [`${rejection.kind} ${rejection.key}`, rejection])),
      })
      return 'accepted'
    },
    forget: (node) => {
      if (truths.has(node)) change(node, undefined)
    },
    answer: (node, kind, key) => answerOf(truths.get(node), hub.entry(node, kind, key)),
    hasAnswered: (node) => truths.has(node),
  }
}

function answerOf(truth: Truth | undefined, entry: Entry | undefined): Answer {
  if (truth === undefined || entry === undefined || compareRevisions(truth.revision, entry.revision) < 0) return { kind: 'waiting' }
  const rejection = truth.rejected.get(`${entry.kind} ${entry.key}`)
  return rejection === undefined ? { kind: 'confirmed' } : { kind: 'rejected', message: rejection.message }
}

function isSame(a: Answer, b: Answer): boolean {
  return a.kind === b.kind && (a.kind !== 'rejected' || b.kind !== 'rejected' || a.message === b.message)
}
