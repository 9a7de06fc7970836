// Which network is the primary, as a table of sentences.
import { type Candidate, choosePrimary, type PrimaryChoice, type PrimaryWorld } from './choose-primary.ts'

const list = (name: string, ...plugins: readonly object[]): string => JSON.stringify({ cniVersion: '1.0.0', name, plugins })
const conf = (file: string, text: string): Candidate => ({ path: `/etc/cni/net.d/${file}`, name: file, text })
const flannel = conf('10-flannel.conflist', list('cbr0', { type: 'flannel' }, { type: 'portmap', capabilities: { portMappings: true } }))
const calico = conf('20-calico.conf', '{"cniVersion":"0.3.1","name":"k8s-pod-network","type":"calico","ipam":{"type":"calico-ipam"}}')
const ours = conf('00-plexus.conflist', list('plexus', { type: 'plexus' }))
const multus = conf('00-multus.conf', '{"name":"multus-cni-network","type":"multus","clusterNetwork":"/etc/cni/net.d/10-flannel.conflist"}')
const half = conf('10-flannel.conflist', flannel.text.slice(0, 30))

const world = (changes: Partial<PrimaryWorld>): PrimaryWorld => ({
  spec: { source: 'Auto' },
  ownName: '00-plexus.conflist',
  candidates: [],
  file: undefined,
  network: undefined,
  notReady: undefined,
  lastSource: undefined,
  ...changes,
})
const told = (choice: PrimaryChoice): string => (choice.kind === 'found' ? `${choice.primary.name} of ${choice.source}` : choice.reason)

const cases: readonly (readonly [sentence: string, changes: Partial<PrimaryWorld>, told: string])[] = [
  ['the first file wins', { candidates: [flannel, calico] }, `cbr0 of ${flannel.path}`],
  ['ours and Multus are never the primary', { candidates: [multus, ours, calico] }, `k8s-pod-network of ${calico.path}`],
  ['a renamed copy of ours is told by its type', { candidates: [{ ...ours, name: '05-x.conflist' }] }, 'NoConf'],
  ['an empty directory has none', {}, 'NoConf'],
  ['a half-written file is skipped until it is whole', { candidates: [half, calico] }, `k8s-pod-network of ${calico.path}`],
  ['the primary in use is kept while its file is being rewritten', { candidates: [half, calico], lastSource: flannel.path }, 'Invalid'],
  ['a file that went makes room for the next', { candidates: [calico], lastSource: flannel.path }, `k8s-pod-network of ${calico.path}`],
  ['only a half-written file is not a primary', { candidates: [half] }, 'Invalid'],
  [
    'File takes the named file',
    { spec: { source: 'File', file: '20-calico.conf' }, candidates: [flannel, calico] },
    `k8s-pod-network of ${calico.path}`,
  ],
  [
    'File takes an absolute path',
    { spec: { source: 'File', file: '/x/a.conf' }, file: { ...calico, path: '/x/a.conf' } },
    'k8s-pod-network of /x/a.conf',
  ],
  ['File that is missing is not replaced by another', { spec: { source: 'File', file: '30-x.conf' }, candidates: [flannel] }, 'NoConf'],
  ['File refuses Multus', { spec: { source: 'File', file: '00-multus.conf' }, candidates: [multus] }, 'Invalid'],
  ['Inline is parsed', { spec: { source: 'Inline', config: list('in', { type: 'bridge' }) } }, 'in of profile'],
  ['Inline refuses ourselves', { spec: { source: 'Inline', config: list('in', { type: 'plexus' }) } }, 'Invalid'],
  ['Network waits for the operator', { spec: { source: 'Network', network: 'kube-system/p' } }, 'NetworkUnknown'],
  [
    'Network by a bare name may be a conf',
    { spec: { source: 'Network', network: 'cbr0' }, candidates: [calico, flannel] },
    `cbr0 of ${flannel.path}`,
  ],
  [
    'Network with an empty spec is the conf of its name',
    { spec: { source: 'Network', network: 'a/cbr0' }, network: { state: 'usable', uid: '', generation: 1 }, candidates: [flannel] },
    `cbr0 of ${flannel.path}`,
  ],
  [
    'Network by a bare name is never Multus',
    { spec: { source: 'Network', network: 'multus-cni-network' }, candidates: [multus] },
    'NetworkUnknown',
  ],
  [
    'Network that was rejected is none',
    { spec: { source: 'Network', network: 'a/p' }, network: { state: 'rejected', uid: '', generation: 1, message: 'spec.config: bad' } },
    'Invalid',
  ],
  ['a missing readiness file makes no primary', { candidates: [flannel], notReady: '/run/flannel/subnet.env' }, 'NotReady'],
]

describe('the primary network', () => {
  it.each(cases)('%s', (_, changes, expected) => {
    expect(told(choosePrimary(world(changes)))).toBe(expected)
  })

  it('has name and version in every plugin', () => {
    expect(choosePrimary(world({ candidates: [flannel] }))).toEqual({
      kind: 'found',
      type: 'flannel',
      source: flannel.path,
      needsAgent: false,
      primary: {
        name: 'cbr0',
        cniVersion: '1.0.0',
        plugins: [
          { type: 'flannel', name: 'cbr0', cniVersion: '1.0.0' },
          { type: 'portmap', capabilities: { portMappings: true }, name: 'cbr0', cniVersion: '1.0.0' },
        ],
      },
    })
  })

  it('needs the agent when it takes addresses from us', () => {
    const text = list('p', { type: 'bridge', ipam: { type: 'plexus-ipam' } })
    expect(choosePrimary(world({ candidates: [conf('10-p.conflist', text)] }))).toMatchObject({ needsAgent: true })
  })

  it('says what is wrong with the only file', () => {
    expect(choosePrimary(world({ spec: { source: 'File', file: '00-multus.conf' }, candidates: [multus] }))).toEqual({
      kind: 'none',
      reason: 'Invalid',
      message:
        '/etc/cni/net.d/00-multus.conf.type: "multus" attaches other networks and cannot be one; write the plugin that attaches this network',
    })
  })
})
