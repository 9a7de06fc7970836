import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { run } from './run.ts'

let directory = ''
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'plexusctl-'))))
afterEach(() => rm(directory, { recursive: true }))

interface Ran {
  readonly code: number
  readonly out: string
  readonly error: string
}

async function plexusctl(argv: readonly string[], stdin = ''): Promise<Ran> {
  let [out, error] = ['', '']
  const code = await run(argv, {
    stdin: Readable.from([stdin]),
    out: (text) => void (out += text),
    error: (text) => void (error += text),
    connect: async () => Promise.reject(new Error('validate must not need a cluster')),
  })
  return { code, out, error }
}

const nad = (name: string, config: object | string): string =>
  JSON.stringify({
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name },
    spec: { config: typeof config === 'string' ? config : JSON.stringify(config) },
  })
const macvlan = (more: object = {}): object => ({ cniVersion: '1.0.0', type: 'macvlan', ...more })
const asking = (networks: string): object => ({ annotations: { 'k8s.v1.cni.cncf.io/networks': networks } })
const pod = (networks: string): string => JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', ...asking(networks) } })
const profile = (spec: object): string =>
  JSON.stringify({ apiVersion: 'plexus.dev/v1alpha1', kind: 'NodeNetworkProfile', metadata: { name: 'p' }, spec })
const documents = (...texts: readonly string[]): string => texts.join('\n---\n')

describe('plexusctl validate', () => {
  it('finds nothing in what is right', async () => {
    const text = documents(nad('a', macvlan({ capabilities: { ips: true } })), pod('[{"name":"a","ips":["10.0.0.1/24"]}]'), profile({}))
    expect(await plexusctl(['validate', '-f', '-'], text)).toEqual({ code: 0, out: '3 objects checked, 0 errors, 0 warnings\n', error: '' })
  })

  it.each([
    ['a plugin with a path', nad('a', { type: '../sh' }), 'spec.config.type', '"../sh" is not a plugin name', 'use letters, digits'],
    ['Multus as a delegate', nad('a', { type: 'multus' }), 'spec.config.type', '"multus" attaches other networks', 'write the plugin'],
    ['broken JSON', nad('a', '{"type":'), 'spec.config', 'not valid JSON', 'write'],
    [
      'a placeholder in the type',
      nad('a', { plugins: [{ type: 'x', ipam: { type: 'y', pool: '${node.name}' } }] }),
      'spec.config',
      '${node.name}',
      'for every node',
    ],
    ['a bad element of an annotation', pod('a,b c'), 'k8s.v1.cni.cncf.io/networks[1]', '"b c" is not a name', 'use lower-case'],
    ['a wrong profile', profile({ primary: { source: 'File' } }), 'spec.primary.file', 'is empty', 'set spec.primary.file'],
    ['a field no profile has', profile({ defaultNetwork: 'a' }), 'spec.defaultNetwork', 'is not a field', 'remove it'],
    ['a word no profile knows', profile({ state: 'Gone' }), 'spec.state', 'Invalid option', 'see the kind'],
  ])('names field, value and remedy of %s', async (...row) => {
    const [, text, field, problem, remedy] = row
    const { code, out } = await plexusctl(['validate', '-o', 'json', '-f', '-'], text)
    const { findings }: { readonly findings: readonly unknown[] } = JSON.parse(out)
    expect(code).toBe(1)
    expect(findings[0]).toMatchObject({
      severity: 'error',
      source: 'stdin:1',
      field: expect.stringContaining(field),
      problem: expect.stringContaining(problem),
      remedy: expect.stringContaining(remedy),
    })
  })

  it.each([
    ['an address that no plugin takes', nad('a', macvlan()), pod('[{"name":"a","ips":["10.0.0.1/24"]}]'), 'declares the capability "ips"'],
    ['a network that is refused', nad('a', { type: '../sh' }), pod('a'), 'network default/a cannot be used'],
    ['one interface name twice', nad('a', macvlan()), pod('a@x,a@x'), 'the interface name "x" is already taken'],
  ])('checks a pod against the networks of the files: %s', async (...row) => {
    const [, network, asker, sentence] = row
    const { code, out } = await plexusctl(['validate', '-f', '-'], documents(network, asker))
    expect([code, out]).toEqual([1, expect.stringContaining(sentence)])
    expect(out).toMatch(/ERROR {3}stdin:\d+ {2}Pod default\/web/)
  })

  it('only warns of a network that is not in the files', async () => {
    const { code, out } = await plexusctl(['validate', '-f', '-'], pod('elsewhere/a'))
    expect([code, out]).toEqual([0, expect.stringContaining('network elsewhere/a is not in these files; it must be in the cluster')])
  })

  it('holds a pod to the isolation of the profile in the files', async () => {
    const text = documents(pod('elsewhere/a'), profile({ namespaceIsolation: 'Enabled' }))
    expect(await plexusctl(['validate', '-f', '-'], text)).toMatchObject({
      code: 1,
      out: expect.stringContaining('namespaceIsolation forbids'),
    })
  })

  it.each([
    ['Deployment', { template: { metadata: asking('b c') } }],
    ['CronJob', { jobTemplate: { spec: { template: { metadata: asking('b c') } } } }],
  ])('looks at the pods of a %s', async (kind, spec) => {
    const text = JSON.stringify({ apiVersion: 'apps/v1', kind, metadata: { name: 'web', namespace: 'shop' }, spec })
    expect((await plexusctl(['validate', '-f', '-'], text)).out).toMatch(`ERROR   stdin:1  ${kind} shop/web`)
  })

  it('reads every manifest below a directory, lists, and the lines of YAML documents', async () => {
    await mkdir(join(directory, 'deep'))
    await writeFile(join(directory, 'deep/a.yaml'), `# one\n---\napiVersion: v1\nkind: List\nitems:\n- ${nad('a', { type: '../sh' })}\n`)
    await writeFile(join(directory, 'notes.txt'), 'no manifest')
    const { code, out } = await plexusctl(['validate', '-f', directory])
    expect(code).toBe(1)
    expect(out).toContain(`ERROR   ${directory}/deep/a.yaml:3#1  NetworkAttachmentDefinition default/a`)
  })

  it.each([
    ['a key that is there twice', 'kind: Pod\nkind: Pod\n', 'Map keys must be unique'],
    ['something that is no object', '- 1\n', 'is no Kubernetes object'],
  ])('refuses %s', async (_, text, sentence) => {
    expect(await plexusctl(['validate', '-f', '-'], text)).toMatchObject({ code: 1, out: expect.stringContaining(sentence) })
  })

  it.each([
    [['validate'], 'validate needs -f'],
    [['validate', '-f', '/nowhere/at/all'], '-f /nowhere/at/all: it cannot be read (ENOENT)'],
    [['validate', '-f', '-', '-o', 'yaml'], '-o yaml: there is only json'],
    [['why'], 'why needs the name of one pod'],
    [['delete'], '"delete" is not a command'],
    [['status', '--force'], "Unknown option '--force'"],
  ])('%j ends with code 2 and a sentence', async (argv, sentence) => {
    expect(await plexusctl(argv)).toEqual({ code: 2, out: '', error: expect.stringContaining(sentence) })
  })

  it('shows its usage when it is asked nothing', async () => {
    expect(await plexusctl([])).toMatchObject({ code: 0, out: expect.stringContaining('plexusctl validate -f') })
  })
})
