import type { Answer } from '../../stream/acks.ts'
import { facts, macvlan, network } from '../../testing/build.ts'
import { planNetwork } from './plan-network.ts'
import { reportNetwork } from './report-network.ts'

const confirmed: Answer = { kind: 'confirmed' }
const waiting: Answer = { kind: 'waiting' }
const rejected: Answer = { kind: 'rejected', message: 'plugin macvlan is missing; install it in /opt/cni/bin' }
const uplink = macvlan({ master: "${node.labels['uplink']}" })

function reportFor(answers: Readonly<Record<string, Answer>>, config = macvlan()): ReturnType<typeof reportNetwork> {
  const nodes = Object.keys(answers).map((name) => facts(name))
  return reportNetwork(planNetwork(network({ config, nodes })), { generation: 3, answers: new Map(Object.entries(answers)), pods: 7 })
}

describe('reportNetwork', () => {
  it.each([
    ['every node confirmed', { a: confirmed, b: confirmed }, '2/2', ['Rendered', 'in use on 2 nodes']],
    ['the only node confirmed', { a: confirmed }, '1/1', ['Rendered', 'in use on 1 node']],
    ['a node did not answer', { a: confirmed, b: waiting }, '1/2', ['WaitingForNodes', '1 of 2 nodes have not confirmed yet: b']],
    [
      'five nodes did not answer',
      { a: waiting, b: waiting, c: waiting, d: waiting, e: waiting },
      '0/5',
      ['WaitingForNodes', '5 of 5 nodes have not confirmed yet: a, b, c, and 2 more'],
    ],
    [
      'a node cannot serve it',
      { a: confirmed, b: rejected, c: waiting },
      '1/3',
      ['NodesRejected', 'b: plugin macvlan is missing; install it in /opt/cni/bin'],
    ],
    [
      'no node is installed',
      {},
      '0/0',
      [
        'WaitingForNodes',
        'no node is ruled by a NodeNetworkProfile with state Installed; create a profile whose nodeSelector matches a node',
      ],
    ],
  ])('says what it is when %s', (_, answers, summary, said) => {
    const [reason, message] = said
    expect(reportFor(answers)).toMatchObject({ reason, message, status: { observedGeneration: 3, pods: 7, nodes: { summary } } })
  })

  it('names the nodes that lack a value, and counts their answers for nothing', () => {
    const report = reportFor({ b: confirmed, a: confirmed }, uplink)
    expect(report.reason).toBe('MissingValue')
    expect(report.message).toContain("node b has no node.labels['uplink']; set the label on the node")
    expect(report.status.nodes).toEqual({ desired: 2, ready: 0, summary: '0/2', failed: ['a', 'b'] })
  })

  it('lists at most ten failed nodes', () => {
    const names = Array.from({ length: 12 }, (_, index) => `n${String(index).padStart(2, '0')}`)
    const { status } = reportFor(Object.fromEntries(names.map((name) => [name, rejected])))
    expect(status.nodes?.failed).toEqual(names.slice(0, 10))
  })

  it.each([
    ['ready', { a: confirmed }, macvlan(), { Ready: 'True', Reconciling: undefined, Stalled: undefined }],
    ['waiting', { a: waiting }, macvlan(), { Ready: 'False', Reconciling: 'True', Stalled: undefined }],
    ['rejected by a node', { a: rejected }, macvlan(), { Ready: 'False', Reconciling: undefined, Stalled: 'True' }],
    ['lacking a value', { a: confirmed }, uplink, { Ready: 'False', Reconciling: undefined, Stalled: 'True' }],
    ['invalid', { a: confirmed }, '{', { Ready: 'False', Reconciling: undefined, Stalled: 'True' }],
  ])('follows the kstatus contract when %s', (_, answers, config, statuses) => {
    const { wanted } = reportFor(answers, config)
    expect(Object.fromEntries(Object.entries(wanted).map(([type, condition]) => [type, condition?.status]))).toEqual(statuses)
    expect(wanted['Ready']?.observedGeneration).toBe(3)
  })
})
