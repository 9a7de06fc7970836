import type { SandboxSummary } from '../journal/journal.ts'
import { findSandbox } from './find-sandbox.ts'

const summary = (state: SandboxSummary['state'], uid = 'uid-1', name = 'web'): SandboxSummary => ({
  state,
  pod: { namespace: 'shop', name, uid },
  networks: [],
})

it.each([
  ['its attached sandbox', [summary('gone'), summary('attached')], { kind: 'attached', containerIds: ['c1'] }],
  ['both, when a dead one was not deleted', [summary('attached'), summary('attached')], { kind: 'attached', containerIds: ['c0', 'c1'] }],
  ['one whose runtime said no uid', [summary('attached', '')], { kind: 'attached', containerIds: ['c0'] }],
  ['none at this moment', [summary('deleting'), summary('planned')], { kind: 'changing' }],
  ["another incarnation's", [summary('attached', 'uid-0')], { kind: 'other' }],
  ['none at all', [summary('attached', 'uid-2', 'db')], { kind: 'none' }],
] as const)('a pod has %s', (_, summaries, expected) => {
  const known = new Map(summaries.map((each, index) => [`c${index}`, each]))
  expect(findSandbox(known, { namespace: 'shop', name: 'web', uid: 'uid-1' })).toEqual(expected)
})
