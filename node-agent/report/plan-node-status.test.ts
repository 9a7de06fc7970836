// What a node says of itself.
import { profileSpec } from '#api/kinds/node-network-profile'
import type { ProfileObject } from '#api/stream'
import type { ConfOutcome, HeldReason } from '../conf/plan-conf.ts'
import type { PrimaryChoice } from '../install/choose-primary.ts'
import type { NodeView } from '../install/reconcile-node.ts'
import { type NodeFacts, notReadyReason, planNodeStatus } from './plan-node-status.ts'

const profile: ProfileObject = { name: 'default', generation: 3, spec: profileSpec.parse({}) }
const primary: PrimaryChoice = {
  kind: 'found',
  primary: { name: 'cbr0', cniVersion: '1.0.0', plugins: [{ type: 'flannel' }] },
  type: 'flannel',
  source: '/etc/cni/net.d/10-flannel.conflist',
  needsAgent: false,
}
const noPrimary: PrimaryChoice = { kind: 'none', reason: 'NoConf', message: 'install a network' }
const conf: ConfOutcome = { kind: 'installed', name: '00-plexus.conflist', cniVersion: '1.1.0', text: '' }
const held = (reason: HeldReason): ConfOutcome => ({ kind: 'held', reason, message: 'do something' })
const installed = (changes: Partial<Extract<NodeView, { kind: 'installed' }>> = {}): NodeView => ({
  kind: 'installed',
  profile,
  primary,
  binaries: [{ path: '/opt/cni/bin/plexus', sha256: 'abc', state: 'Installed', problem: undefined }],
  conf,
  ...changes,
})
const removed = (waitingFor: number): NodeView => ({ kind: 'removed', profile, primary, waitingFor })
const facts = (changes: Partial<NodeFacts>): NodeFacts => ({
  view: installed(),
  stream: { kind: 'connected' },
  revision: { epoch: 3, sequence: 9 },
  listening: true,
  agentVersion: '1.0',
  conf: { path: '/etc/cni/net.d/00-plexus.conflist', sha256: 'def', cniVersion: '1.1.0' },
  sandboxes: { attached: 2, deleting: 1 },
  networks: new Map([
    ['b/y', 1],
    ['a/x', 2],
  ]),
  generation: 1,
  ...changes,
})
const conditions = (changes: Partial<NodeFacts>): Readonly<Record<string, string>> => {
  const wanted = Object.entries(planNodeStatus(facts(changes)).conditions)
  return Object.fromEntries(
    wanted.map(([type, condition]) => [type, condition === undefined ? '-' : `${condition.status} ${condition.reason}`]),
  )
}
const healthy = {
  Ready: 'True Serving',
  Stalled: '-',
  PrimaryFound: 'True Found',
  BinariesInstalled: 'True Installed',
  ConfInstalled: 'True Installed',
  StreamConnected: 'True Connected',
  ConfContested: '-',
}
const away = { kind: 'away', message: 'gone' } as const
const unknown = {
  Ready: 'Unknown ProfileUnknown',
  PrimaryFound: 'Unknown ProfileUnknown',
  BinariesInstalled: 'Unknown ProfileUnknown',
  ConfInstalled: 'Unknown ProfileUnknown',
}
const badBinary = { path: '/opt/cni/bin/macvlan', sha256: undefined, state: 'Missing', problem: 'disk full' } as const

const cases: readonly (readonly [sentence: string, changes: Partial<NodeFacts>, different: Readonly<Record<string, string>>])[] = [
  ['a healthy node', {}, {}],
  ['an operator that is away keeps no pod away', { stream: away }, { StreamConnected: 'False OperatorAway' }],
  ['a node without a profile', { view: { kind: 'unknown' } }, unknown],
  ['a node nobody has looked at', { view: undefined }, unknown],
  ['a socket that does not listen', { listening: false }, { Ready: 'False NotListening' }],
  [
    'a missing primary',
    { view: installed({ primary: noPrimary, conf: held('PrimaryUnknown') }) },
    { Ready: 'False NoConf', PrimaryFound: 'False NoConf', ConfInstalled: 'False PrimaryUnknown' },
  ],
  ['a missing plugin keeps no pod away', { view: installed({ binaries: [badBinary] }) }, { BinariesInstalled: 'False NotInstalled' }],
  [
    'Multus beside us waits for a person',
    { view: installed({ conf: held('MultusPresent') }) },
    { Ready: 'False MultusPresent', Stalled: 'True MultusPresent', ConfInstalled: 'False MultusPresent' },
  ],
  [
    'a contested conf waits for a person',
    { view: installed({ conf: held('ConfContested') }) },
    {
      Ready: 'False ConfContested',
      Stalled: 'True ConfContested',
      ConfInstalled: 'False ConfContested',
      ConfContested: 'True RewrittenByOthers',
    },
  ],
  [
    'an unknown runtime passes by itself',
    { view: installed({ conf: held('RuntimeUnknown') }) },
    { Ready: 'False RuntimeUnknown', ConfInstalled: 'False RuntimeUnknown' },
  ],
  [
    'a node that is clean',
    { view: removed(0) },
    { Ready: 'True Removed', BinariesInstalled: 'False Removed', ConfInstalled: 'False Removed' },
  ],
  [
    'a node that is being cleaned',
    { view: removed(2) },
    { Ready: 'False Removing', BinariesInstalled: 'False Removed', ConfInstalled: 'False Removed' },
  ],
]

describe('the report of a node', () => {
  it.each(cases)('says of %s', (_, changes, different) => {
    expect(conditions(changes)).toEqual({ ...healthy, ...different })
  })

  it.each(cases)('gives the readiness probe the same answer for %s', (_, changes) => {
    const { view, listening } = facts(changes)
    expect(notReadyReason({ view, listening }) === undefined).toBe(conditions(changes)['Ready']?.startsWith('True '))
  })

  it('says what is where', () => {
    expect(planNodeStatus(facts({})).status).toEqual({
      observedGeneration: 1,
      agentVersion: '1.0',
      profile: 'default',
      revision: '3.9',
      conf: { path: '/etc/cni/net.d/00-plexus.conflist', sha256: 'def', cniVersion: '1.1.0' },
      primary: { name: 'cbr0', type: 'flannel', source: '/etc/cni/net.d/10-flannel.conflist' },
      binaries: [{ path: '/opt/cni/bin/plexus', sha256: 'abc', state: 'Installed' }],
      sandboxes: { attached: 2, deleting: 1 },
      networks: [
        { network: 'a/x', pods: 2 },
        { network: 'b/y', pods: 1 },
      ],
    })
  })

  it('names what a person must do', () => {
    const { conditions } = planNodeStatus(facts({ view: installed({ binaries: [badBinary] }) }))
    expect(conditions['BinariesInstalled']).toEqual({
      status: 'False',
      reason: 'NotInstalled',
      message: 'disk full',
      observedGeneration: 1,
    })
  })
})
