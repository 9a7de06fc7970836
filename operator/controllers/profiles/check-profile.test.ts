import { macvlan, profile } from '../../testing/build.ts'
import { checkProfile } from './check-profile.ts'

const check = (spec: Readonly<Record<string, unknown>>): ReturnType<typeof checkProfile> => checkProfile(profile('p', { spec }).spec)

describe('checkProfile', () => {
  it.each([
    ['an empty spec', {}],
    ['a file by name', { primary: { source: 'File', file: '10-calico.conflist' } }],
    ['a file by path', { primary: { source: 'File', file: '/etc/cni/net.d/10-calico.conflist' } }],
    ['a network', { primary: { source: 'Network', network: 'kube-system/primary' } }],
    ['an inline config', { primary: { source: 'Inline', config: macvlan() } }],
    ['default networks', { defaultNetworks: ['a', 'other/b', '/etc/cni/net.d/10-c.conflist', '/etc/cni/extra'] }],
    ['a primary by its bare name', { primary: { source: 'Network', network: 'b' } }],
    ['a directory of confs', { primary: { source: 'File', file: '/etc/cni/private' } }],
    ['default networks by label', { namespaceDefaults: [{ selector: { matchLabels: { team: 'red' } }, networks: ['a'] }] }],
    ['default delegates', { defaultDelegates: 'tke-bridge,sriov@north' }],
    ['a label with a prefix', { nodeSelector: { 'node-role.kubernetes.io/gpu': '' } }],
  ])('accepts %s', (_, spec) => {
    expect(check(spec)).toEqual({ ok: true })
  })

  it.each([
    [
      'a source without its field',
      { primary: { source: 'File' } },
      'spec.primary.file: is empty, but spec.primary.source is File; set spec.primary.file or use source Auto',
    ],
    [
      'a field that contradicts the source',
      { primary: { source: 'Auto', network: 'a/b' } },
      'spec.primary.network: contradicts spec.primary.source Auto; use source Network or remove spec.primary.network',
    ],
    [
      'a file outside the conf directory',
      { primary: { source: 'File', file: '../x.conf' } },
      'spec.primary.file: "../x.conf" is not a conf file; write the name of a .conf, .conflist or .json file, or its absolute path',
    ],
    [
      'a network of two namespaces',
      { primary: { source: 'Network', network: 'a/b/c' } },
      'spec.primary.network: "a/b/c" does not name a network; write namespace/name of a NetworkAttachmentDefinition, or the name of one or of a conf',
    ],
    ['a default network twice', { defaultNetworks: ['a', 'a'] }, 'spec.defaultNetworks: "a" is there twice; remove one'],
    [
      'a default network that names nothing',
      { defaultNetworks: ['a/b/c'] },
      'spec.defaultNetworks[0]: "a/b/c" does not name a network; write name, namespace/name or the absolute path of a conf',
    ],
    [
      'a default network by label that leaves its directory',
      { namespaceDefaults: [{ selector: {}, networks: ['/etc/cni/../x.conf'] }] },
      'spec.namespaceDefaults[0].networks[0]: "/etc/cni/../x.conf" does not name a network; write name, namespace/name or the absolute path of a conf',
    ],
    [
      'default delegates of which none is the primary',
      { defaultDelegates: 'a@north' },
      'spec.defaultDelegates[0]: no network takes "eth0"; leave "interfaceRequest" out for the network that shall be "eth0"',
    ],
    [
      'default delegates that are not the grammar',
      { defaultDelegates: 'a@b@c' },
      'spec.defaultDelegates[0]: "a@b@c" holds more than one "/" or "@"; write [namespace/]name[@interface]',
    ],
    [
      'a namespace in capitals',
      { globalNamespaces: ['Default'] },
      'spec.globalNamespaces[0]: "Default" is not the name of a namespace; use at most 63 lower-case letters, digits or "-"',
    ],
    ['a plugin with a path', { plugins: ['../sh'] }, 'spec.plugins[0]: "../sh" is not a plugin name; use letters, digits, ".", "_" or "-"'],
    ['our own binary as a plugin', { plugins: ['plexus'] }, 'spec.plugins[0]: "plexus" is not a reference plugin; remove it'],
    ['a selector that is no label', { nodeSelector: { 'a b': 'c' } }, 'spec.nodeSelector: "a b" is not a label; write name or prefix/name'],
    [
      'a parameter that no placeholder can name',
      { parameters: { "it's": '1' } },
      'spec.parameters: "it\'s" is not the name of a parameter; use letters, digits, ".", "_", "/" or "-"',
    ],
    [
      'a relative readiness file',
      { readinessFile: 'ready' },
      'spec.readinessFile: "ready" is not an absolute path; write an absolute path without ".."',
    ],
  ])('refuses %s', (_, spec, message) => {
    expect(check(spec)).toEqual({ ok: false, message })
  })

  it('refuses an inline primary that would execute something else', () => {
    expect(check({ primary: { source: 'Inline', config: macvlan({ type: '../sh' }) } })).toMatchObject({
      ok: false,
      message: expect.stringMatching(/^spec\.primary\.config\.type: "\.\.\/sh"/),
    })
  })
})
