import type { Answer } from '../../stream/acks.ts'
import { type ProfileObservation, reportProfile } from './report-profile.ts'

const confirmed: Answer = { kind: 'confirmed' }
const seen = (change: Partial<ProfileObservation> = {}): ProfileObservation => ({
  generation: 2,
  state: 'Installed',
  checked: { ok: true },
  nodes: [{ node: 'a', answer: confirmed, ready: true }],
  schemaProblem: undefined,
  ...change,
})

describe('reportProfile', () => {
  it.each([
    ['in force', {}, '1/1', ['InForce', 'in force on 1 node']],
    ['without nodes', { nodes: [] }, '0/0', ['NoNodes', 'rules no node: none matches its nodeSelector, or profiles of higher priority do']],
    [
      'on a node that is not ready',
      { nodes: [{ node: 'a', answer: confirmed, ready: false }] },
      '0/1',
      ['WaitingForNodes', '1 of 1 nodes are not ready yet: a'],
    ],
    [
      'on a node that did not answer',
      { nodes: [{ node: 'a', answer: { kind: 'waiting' }, ready: true }] },
      '0/1',
      ['WaitingForNodes', '1 of 1 nodes are not ready yet: a'],
    ],
    [
      'on a node that refuses it',
      { nodes: [{ node: 'a', answer: { kind: 'rejected', message: 'no primary' }, ready: true }] },
      '0/1',
      ['NodesRejected', 'a: no primary'],
    ],
    [
      'removed, though its nodes are not ready any more',
      { state: 'Removed', nodes: [{ node: 'a', answer: confirmed, ready: false }] },
      '1/1',
      ['InForce', 'removed from 1 node'],
    ],
    [
      'invalid',
      { checked: { ok: false, message: 'spec.x: bad; fix it' } },
      '1/1',
      ['InvalidProfile', 'spec.x: bad; fix it; nodes keep the last valid version'],
    ],
  ] as const)('says what it is when %s', (_, change, summary, said) => {
    const [reason, message] = said
    const report = reportProfile(seen(change))
    expect(report).toMatchObject({ reason, message, status: { observedGeneration: 2, nodes: { summary } } })
    expect(report.wanted['NADStatusSchema']).toBeUndefined()
  })

  it('carries the sentence about a replaced CRD', () => {
    const { wanted } = reportProfile(seen({ schemaProblem: 'the CRD keeps no status' }))
    expect(wanted).toMatchObject({
      Ready: { status: 'True' },
      NADStatusSchema: { status: 'False', reason: 'SchemaReplaced', message: 'the CRD keeps no status' },
    })
  })
})
