import type { NodeFile } from '#api/node-file'
import { fakeSystem, type FakeOptions, type FakeSystem } from './system.fake.ts'
import { call, nodeFile } from './testing/build.ts'

const RECORD = '/var/lib/plexus/sandboxes/abc.json'
const withAnnotations = (annotations: object): object => ({ runtimeConfig: { 'io.kubernetes.cri.pod-annotations': annotations } })
const plainConf = withAnnotations({ note: 'x' })

function node(
  change: Partial<NodeFile> = {},
  options: Omit<FakeOptions, 'files'> & { readonly files?: Record<string, string> } = {},
): FakeSystem {
  return fakeSystem({ ...options, files: { '/var/lib/plexus/node.json': nodeFile(change), ...options.files } })
}

function recordOf(system: FakeSystem): unknown {
  return JSON.parse(system.contents.get(RECORD) ?? 'null')
}

describe('an ADD while the agent is away', () => {
  it('waits ten seconds, records, attaches the primary, records again and prints in the version of the conf', () => {
    const system = node()
    const before = system.now
    expect(call(system, 'ADD', { conf: plainConf })).toMatchObject({
      exitCode: 0,
      out: { cniVersion: '1.1.0', ips: [{ address: '10.1.0.2/24' }] },
    })
    expect(system.now - before).toBe(10_000)
    expect(system.steps).toEqual(['lock /run/plexus/locks/abc', `write ${RECORD} planned`, 'ADD bridge eth0', `write ${RECORD} attached`])
    expect(recordOf(system)).toMatchObject({
      version: 1,
      containerId: 'abc',
      state: 'attached',
      origin: 'shim',
      pod: { namespace: 'shop', name: 'web', uid: 'u-1' },
      netns: '/run/netns/a',
      ifName: 'eth0',
      cniVersion: '1.1.0',
      bootId: '11111111-2222-3333-4444-555555555555',
      attachments: [{ network: 'cluster', ifName: 'eth0', primary: true, plugins: [{ type: 'bridge' }], result: { cniVersion: '1.0.0' } }],
    })
  })

  it('gives each plugin the capability arguments it declares, and no other', () => {
    const plugins = [
      { cniVersion: '1.0.0', name: 'cluster', type: 'bridge' },
      { cniVersion: '1.0.0', name: 'cluster', type: 'portmap', capabilities: { portMappings: true, bandwidth: false } },
    ]
    const system = node({ primary: { name: 'cluster', cniVersion: '1.0.0', plugins } })
    const runtimeConfig = { 'io.kubernetes.cri.pod-annotations': {}, portMappings: [{ hostPort: 80 }], bandwidth: {} }
    call(system, 'ADD', { conf: { runtimeConfig } })
    const given = system.executions.map(({ input }): { runtimeConfig?: unknown } => JSON.parse(input))
    expect(given.map((input) => input.runtimeConfig)).toEqual([undefined, { portMappings: [{ hostPort: 80 }] }])
  })

  it.each([
    ['the runtime does not pass annotations', {}, {}, "the runtime does not pass the pod's annotations"],
    ['the pod asks for networks', {}, withAnnotations({ 'k8s.v1.cni.cncf.io/networks': 'a' }), 'the pod asks for further networks'],
    [
      'the pod asks for another primary',
      {},
      withAnnotations({ 'v1.multus-cni.io/default-network': 'a' }),
      'the pod asks for further networks',
    ],
    [
      'the pod asks in the words of TKE',
      {},
      withAnnotations({ 'tke.cloud.tencent.com/networks': 'a' }),
      'the pod asks for further networks',
    ],
    ['the profile says Fail', { withoutAgent: 'Fail' }, plainConf, 'the profile says withoutAgent: Fail'],
    ['the primary needs the agent', { primaryNeedsAgent: true }, plainConf, 'the primary network needs the agent'],
    ['the profile has default networks', { defaultNetworks: true }, plainConf, 'the pod gets default networks'],
    ['the namespace has default networks', { namespacesWithDefaults: ['shop'] }, plainConf, 'the pod gets default networks'],
  ] as const)('is 11 when %s', (_, change, conf, because) => {
    const system = node(change)
    const msg = `the Plexus agent of this node is away (Connection refused); the primary alone will not do: ${because}; it is tried again`
    expect(call(system, 'ADD', { conf }).out).toEqual({ cniVersion: '1.1.0', code: 11, msg, details: 'AgentUnavailable' })
    expect(system.steps).toEqual(['lock /run/plexus/locks/abc'])
  })

  it('is 11 before the agent was ever here', () => {
    expect(call(fakeSystem(), 'ADD', { conf: plainConf }).out).toMatchObject({
      code: 11,
      msg: expect.stringContaining('has not yet found the primary'),
    })
  })

  it('serves a system namespace in spite of default networks', () => {
    const system = node({ defaultNetworks: true })
    expect(call(system, 'ADD', { conf: plainConf, env: { CNI_ARGS: 'K8S_POD_NAMESPACE=kube-system' } }).exitCode).toBe(0)
  })

  it('serves a pod that says none in spite of default networks', () => {
    const system = node({ defaultNetworks: true, namespacesWithDefaults: ['shop'] })
    expect(call(system, 'ADD', { conf: withAnnotations({ 'k8s.v1.cni.cncf.io/networks': ' none' }) }).exitCode).toBe(0)
  })

  it('takes a pod without annotations for plain', () => {
    expect(call(node(), 'ADD', { conf: { runtimeConfig: { 'io.kubernetes.cri.pod-annotations': null } } }).exitCode).toBe(0)
  })

  it('takes the networks value "none" for plain', () => {
    expect(call(node(), 'ADD', { conf: withAnnotations({ 'k8s.v1.cni.cncf.io/networks': 'none' }) }).exitCode).toBe(0)
  })
})

describe('an ADD on its own that fails', () => {
  const noAddress = { kind: 'exited', code: 0, stdout: '{"interfaces":[{"name":"eth0","sandbox":"/x"}]}' } as const

  it('undoes the primary and leaves a tombstone', () => {
    const system = node(
      {},
      {
        plugin: (_, { env }) =>
          env['CNI_COMMAND'] === 'ADD' ? { kind: 'exited', code: 1, stdout: '{"code":11,"msg":"no addresses left"}' } : undefined,
      },
    )
    expect(call(system, 'ADD', { conf: plainConf }).out).toMatchObject({
      code: 11,
      msg: 'ADD of network "cluster" on eth0: plugin bridge: no addresses left',
    })
    expect(system.steps.slice(1)).toEqual([`write ${RECORD} planned`, 'ADD bridge eth0', 'DEL bridge eth0', `write ${RECORD} gone`])
    expect(recordOf(system)).toMatchObject({ state: 'gone', attachments: [] })
  })

  it('keeps in the record what could not be undone', () => {
    const system = node({}, { plugin: () => ({ kind: 'exited', code: 1, stdout: '{"code":5,"msg":"disk"}' }) })
    call(system, 'ADD', { conf: plainConf })
    expect(recordOf(system)).toMatchObject({ state: 'deleting', attachments: [{ network: 'cluster' }], lastError: 'disk' })
  })

  it('is 7 when the primary gives no address, and undone', () => {
    const system = node({}, { plugin: (_, { env }) => (env['CNI_COMMAND'] === 'ADD' ? noAddress : undefined) })
    expect(call(system, 'ADD', { conf: plainConf }).out).toMatchObject({
      code: 7,
      msg: 'the primary network "cluster" gave eth0 no address; see its configuration',
      details: 'PrimaryIncomplete',
    })
    expect(recordOf(system)).toMatchObject({ state: 'gone' })
  })

  it('executes nothing when the record cannot be written', () => {
    const system = node({}, { readOnly: '/var/lib/plexus' })
    expect(call(system, 'ADD', { conf: plainConf }).out).toMatchObject({
      code: 5,
      msg: expect.stringContaining(`${RECORD}: it cannot be written`),
    })
    expect(system.executions).toEqual([])
  })
})

describe('the record of a sandbox that the shim wants to own', () => {
  const record = (state: string, changedAt: number, bootId = '11111111-2222-3333-4444-555555555555'): Record<string, string> => ({
    [RECORD]: JSON.stringify({ version: 1, state, attachments: [], binDirs: [], bootId, changedAt }),
  })
  it.each([
    ['planned: somebody owns it', record('planned', 1), 11],
    ['a tombstone that is younger than this ADD', record('gone', 1_000_000), 11],
    ['a tombstone that is older', record('gone', 999_999), undefined],
    ['a tombstone of the boot before, whose clock says nothing', record('gone', 9_999_999, 'before'), undefined],
    ['not readable', { [RECORD]: '{"version"' }, 11],
  ])('is %s', (_, files, code) => {
    const system = node({}, { files })
    expect(call(system, 'ADD', { conf: plainConf }).out?.['code']).toBe(code)
    expect(system.executions).toHaveLength(code === undefined ? 1 : 0)
  })
})
