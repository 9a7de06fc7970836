// What the shim is told.
import { profileSpec } from '#api/kinds/node-network-profile'
import { nodeFileText, planNodeFile, primaryIn } from './node-file.ts'

const primary = { name: 'cbr0', cniVersion: '1.0.0', plugins: [{ type: 'flannel', name: 'cbr0', cniVersion: '1.0.0' }] }
const NAMESPACES = new Map([
  ['shop', { team: 'red' }],
  ['blog', {}],
  ['kube-system', { team: 'red' }],
])
const plan = (spec: object, known = true): ReturnType<typeof planNodeFile> =>
  planNodeFile({
    spec: profileSpec.parse(spec),
    primary: known ? primary : undefined,
    primaryNeedsAgent: false,
    binDirs: ['/opt/cni/bin'],
    namespaces: NAMESPACES,
    auxiliary: false,
  })

describe('the node file', () => {
  it('says what the shim may do without the agent', () => {
    expect(plan({ delegateTimeoutSeconds: 5, systemNamespaces: ['infra'] })).toEqual({
      version: 1,
      primary,
      binDirs: ['/opt/cni/bin'],
      withoutAgent: 'PrimaryOnly',
      primaryNeedsAgent: false,
      defaultNetworks: false,
      systemNamespaces: ['infra'],
      namespacesWithDefaults: [],
      delegateTimeoutMs: 5000,
    })
  })

  it('has no primary before one is known, and says that pods have default networks', () => {
    expect(plan({ defaultNetworks: ['blue/x'], withoutAgent: 'Fail' }, false)).toMatchObject({
      defaultNetworks: true,
      withoutAgent: 'Fail',
    })
    expect('primary' in plan({}, false)).toBe(false)
  })

  it('names the namespaces whose labels bring default networks, and lets no unknown one pass for free of them', () => {
    expect(plan({ namespaceDefaults: [{ selector: { matchLabels: { team: 'red' } }, networks: ['a'] }] })).toMatchObject({
      defaultNetworks: true,
      systemNamespaces: ['kube-system', 'blog'],
      namespacesWithDefaults: ['shop'],
    })
  })

  it('lets no pod be plain where the profile names another primary', () => {
    expect(plan({ defaultDelegates: 'tke-bridge' }).primaryNeedsAgent).toBe(true)
  })

  it('gives its primary back to an agent that starts', () => {
    expect(primaryIn(nodeFileText(plan({})))).toEqual(primary)
  })

  it.each([
    ['nothing', ''],
    ['no primary', nodeFileText(plan({}, false))],
    ['half a file', nodeFileText(plan({})).slice(0, 60)],
    ['a primary without plugins', '{"primary":{"name":"x","cniVersion":"1.0.0","plugins":[]}}'],
    ['a plugin that is no object', '{"primary":{"name":"x","cniVersion":"1.0.0","plugins":[3]}}'],
  ])('gives none back from %s', (_, text) => {
    expect(primaryIn(text)).toBeUndefined()
  })
})
