import { KubeError } from './kube-error.ts'
import type { SessionEnd, Step } from './reflector-step.ts'
import { stepAfter } from './reflector-step.ts'

const failed = (
  change: Partial<KubeError>,
  rest: { readonly initial?: boolean; readonly during?: 'list' | 'open' | 'stream' } = {},
): SessionEnd => ({
  kind: 'failed',
  initial: rest.initial ?? false,
  during: rest.during ?? 'open',
  error: new KubeError({ status: 500, reason: '', message: '', causes: [], retryAfterMs: undefined, ...change }),
})

describe('stepAfter', () => {
  it.each<[string, SessionEnd, Partial<Step>]>([
    ['watches after a list', { kind: 'listed' }, { relist: false, wait: 'none' }],
    ['watches on after a stream ended in time', { kind: 'ended', initial: false, quick: false }, { relist: false, wait: 'none' }],
    ['waits after a stream that ended at once', { kind: 'ended', initial: false, quick: true }, { relist: false, wait: 'backoff' }],
    ['starts over when the state was cut off', { kind: 'ended', initial: true, quick: false }, { relist: true, wait: 'backoff' }],
    [
      'keeps its place after silence',
      { kind: 'silent', initial: false, again: false },
      { edge: 'stalled', relist: false, watchList: 'yes' },
    ],
    [
      'starts over after silence twice',
      { kind: 'silent', initial: false, again: true },
      { edge: 'stalled', relist: true, watchList: 'yes' },
    ],
    [
      'lists next after silence in the state',
      { kind: 'silent', initial: true, again: false },
      { edge: 'stalled', relist: true, watchList: 'not-next' },
    ],
    [
      'starts over when the store refused',
      { kind: 'rejected', error: undefined },
      { edge: 'rejected-by-store', relist: true, wait: 'backoff' },
    ],
    [
      'never streams the state again after 400',
      failed({ status: 400 }, { initial: true }),
      { edge: 'fell-back-to-list', watchList: 'never', wait: 'none' },
    ],
    [
      'never streams the state again after 422',
      failed({ status: 422 }, { initial: true }),
      { edge: 'fell-back-to-list', watchList: 'never', wait: 'none' },
    ],
    [
      'waits after 400 for a list',
      failed({ status: 400 }, { initial: true, during: 'list' }),
      { edge: 'list-failed', wait: 'backoff', watchList: 'yes' },
    ],
    ['starts over after 410', failed({ status: 410 }), { edge: 'expired', relist: true, wait: 'backoff' }],
    [
      'keeps its place after 429, and waits as told',
      failed({ status: 429, retryAfterMs: 7000 }),
      { edge: 'throttled', relist: false, atLeastMs: 7000 },
    ],
    ['keeps its place after 500 on opening', failed({ status: 500 }), { edge: 'watch-failed', relist: false }],
    ['starts over after an error inside the stream', failed({ status: 500 }, { during: 'stream' }), { edge: 'watch-failed', relist: true }],
    ['keeps its place after a reset', failed({ status: 0 }, { during: 'stream' }), { edge: 'watch-failed', relist: false }],
    [
      'starts over when the server is older than its place',
      failed({ status: 504, causes: [{ field: '', reason: 'ResourceVersionTooLarge', message: '' }] }),
      { edge: 'expired', relist: true },
    ],
  ])('%s', (_, end, step) => {
    expect(stepAfter(end)).toMatchObject(step)
  })
})
