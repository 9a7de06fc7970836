// Holds the config parser to one form for conf and conflist, and to a sentence with field, value and remedy for each refusal.
import * as fc from 'fast-check'
import { type NetworkConfig, configSource, parseNetworkConfig, readNetworkConfig } from '#api/cni/config'
import type { Json } from '#api/json'
import { sentenceOf } from '#api/json'

const options = { path: 'spec.config', name: 'net-a' }

function parsed(json: Json): NetworkConfig {
  const outcome = parseNetworkConfig(JSON.stringify(json), options)
  if (!outcome.ok) throw new Error(sentenceOf(outcome))
  return outcome.config
}

function refusal(text: string): string {
  const outcome = parseNetworkConfig(text, options)
  return outcome.ok ? 'accepted' : sentenceOf(outcome)
}

describe('parseNetworkConfig', () => {
  it('makes a conf a list of one plugin, with the name of the NAD and unknown keys kept', () => {
    const conf = {
      cniVersion: '0.3.1',
      type: 'macvlan',
      unknown: { deep: [1, 'x'] },
      capabilities: { ips: true, mac: false },
      ipam: { type: 'host-local' },
    }
    expect(parsed(conf)).toEqual({
      name: 'net-a',
      cniVersion: '0.3.1',
      form: 'conf',
      plugins: [{ type: 'macvlan', ipamType: 'host-local', capabilities: ['ips'], conf }],
      disableCheck: false,
      disableGC: false,
      loadOnlyInlinedPlugins: false,
    })
  })

  it('keeps a conflist in order with its flags, which libcni takes as words too', () => {
    const list = {
      cniVersion: '1.0.0',
      name: 'b',
      disableCheck: 'True',
      disableGC: true,
      loadOnlyInlinedPlugins: 'false',
      plugins: [{ type: 'bridge' }, { type: 'tuning' }],
    }
    expect(parsed(list)).toMatchObject({
      name: 'b',
      form: 'conflist',
      plugins: [{ type: 'bridge' }, { type: 'tuning' }],
      disableCheck: true,
      disableGC: true,
      loadOnlyInlinedPlugins: false,
    })
  })

  it('chooses the newest version of cniVersions that exists', () => {
    expect(parsed({ cniVersion: '0.4.0', cniVersions: ['1.0.0', '9.0.0'], type: 'a' })).toMatchObject({ cniVersion: '1.0.0' })
  })

  it('removes keys that are ours at any depth: an allocation cannot be forged', () => {
    const forged = {
      type: 'flannel',
      ipam: { type: 'plexus-ipam', 'plexus.dev/allocation': 1 },
      delegate: { list: [{ 'plexus.dev/x': 1, y: 2 }] },
    }
    expect(parsed(forged).plugins[0]?.conf).toEqual({ type: 'flannel', ipam: { type: 'plexus-ipam' }, delegate: { list: [{ y: 2 }] } })
  })

  it('appends chained plugins unless the list says not to', () => {
    const chained = [{ type: 'tuning' }]
    const list = { name: 'a', plugins: [{ type: 'bridge' }] }
    expect(readNetworkConfig(list, { ...options, chained })).toMatchObject({
      config: { plugins: [{ type: 'bridge' }, { type: 'tuning' }] },
    })
    expect(readNetworkConfig({ name: 'a' }, { ...options, chained })).toMatchObject({ config: { plugins: [{ type: 'tuning' }] } })
    expect(readNetworkConfig({ ...list, loadOnlyInlinedPlugins: true }, { ...options, chained })).toMatchObject({
      config: { plugins: [{ type: 'bridge' }] },
    })
  })

  it.each([
    [
      'text that is not JSON',
      '{',
      'spec.config: not valid JSON at position 1: a key in double quotes was expected, the text ends there; write one CNI configuration object',
    ],
    ['a list', '[]', 'spec.config: is [] and not an object; write one CNI configuration object'],
    ['a path as type', '{"type":"../sh"}', 'spec.config.type: "../sh" is not a plugin name; use letters, digits, ".", "_" or "-"'],
    [
      'a look-alike letter in the type',
      '{"type":"m\u0430cvlan"}',
      'spec.config.type: "mаcvlan" is not a plugin name; use letters, digits, ".", "_" or "-"',
    ],
    ['a type that is a number', '{"type":5}', 'spec.config.type: 5 is not a plugin name; use letters, digits, ".", "_" or "-"'],
    ['the parent directory as type', '{"type":".."}', 'spec.config.type: ".." is not a plugin name; use letters, digits, ".", "_" or "-"'],
    [
      'ourselves',
      '{"type":"plexus"}',
      'spec.config.type: "plexus" attaches other networks and cannot be one; write the plugin that attaches this network',
    ],
    [
      'Multus',
      '{"plugins":[{"type":"multus-shim"}]}',
      'spec.config.plugins[0].type: "multus-shim" attaches other networks and cannot be one; write the plugin that attaches this network',
    ],
    ['a plugin without a type', '{"plugins":[{"type":"a"},{}]}', 'spec.config.plugins[1].type: is missing; write the name of the plugin'],
    [
      'neither type nor plugins',
      '{"name":"a"}',
      'spec.config: has neither "type" nor "plugins"; write "type" for one plugin, or "plugins" for a list',
    ],
    ['no plugins', '{"plugins":[]}', 'spec.config.plugins: is empty; write at least one plugin'],
    ['plugins that are no list', '{"plugins":{}}', 'spec.config.plugins: is {} and not a list; write a list'],
    [
      'a plugin that is a string',
      '{"plugins":["macvlan"]}',
      'spec.config.plugins[0]: is "macvlan" and not an object; write one plugin configuration object',
    ],
    [
      'an unknown version',
      '{"cniVersion":"2.0.0","type":"a"}',
      'spec.config.cniVersion: "2.0.0" is not a CNI version we know; use one of 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0',
    ],
    [
      'a version that is a number',
      '{"cniVersion":1,"type":"a"}',
      'spec.config.cniVersion: 1 is not a string; use one of 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0',
    ],
    [
      'a name with a slash',
      '{"name":"a/b","type":"a"}',
      'spec.config.name: "a/b" is not a network name; use letters, digits, ".", "_" or "-", a letter or digit first',
    ],
    [
      'an ipam that is a word',
      '{"type":"a","ipam":"host-local"}',
      'spec.config.ipam: is "host-local" and not an object; write an object such as {"type": "host-local"}',
    ],
    [
      'an ipam with a path',
      '{"type":"a","ipam":{"type":"/bin/sh"}}',
      'spec.config.ipam.type: "/bin/sh" is not a plugin name; use letters, digits, ".", "_" or "-"',
    ],
    [
      'an ipam type that is a number',
      '{"type":"a","ipam":{"type":5}}',
      'spec.config.ipam.type: 5 is not a plugin name; use letters, digits, ".", "_" or "-"',
    ],
    [
      'a capability that is a word',
      '{"type":"a","capabilities":{"ips":"yes"}}',
      'spec.config.capabilities.ips: "yes" is not a boolean; write an object such as {"ips": true}',
    ],
    [
      'a flag that is a number',
      '{"plugins":[{"type":"a"}],"disableGC":1}',
      'spec.config.disableGC: 1 is not a boolean; write true or false',
    ],
    [
      'a duplicate key',
      '{"plugins":[{"type":"a","type":"b"}]}',
      'spec.config.plugins[0].type: the key "type" is written twice in one object; keep one of them',
    ],
    ['a prototype key', '{"type":"a","__proto__":{"x":1}}', 'spec.config.__proto__: the key "__proto__" is not allowed; remove it'],
    [
      'a placeholder as type',
      '{"type":"${node.name}"}',
      'spec.config.type: "${node.name}" is not a plugin name; use letters, digits, ".", "_" or "-"',
    ],
    ['a megabyte', `{"type":"a","x":"${'x'.repeat(1_000_000)}"}`, 'spec.config: is longer than 131072 bytes; keep it below 131072 bytes'],
  ])('refuses %s', (_, text, sentence) => expect(refusal(text)).toBe(sentence))

  it('never throws, whatever is written', () => {
    const parts = fc.constantFrom('type', 'plugins', 'name', 'cniVersion', 'cniVersions', 'ipam', 'capabilities', 'disableGC')
    const configs = fc.dictionary(parts, fc.jsonValue({ maxDepth: 2 }))
    fc.assert(
      fc.property(configs, (config) => typeof parseNetworkConfig(JSON.stringify(config), options).ok === 'boolean'),
      { numRuns: 500 },
    )
    fc.assert(fc.property(fc.string(), (text) => typeof parseNetworkConfig(text, options).ok === 'boolean'))
  })
})

describe('configSource', () => {
  it.each([
    ['a conf', { type: 'macvlan', x: 1, cniVersions: ['0.4.0'] }],
    ['a conflist', { name: 'b', disableGC: true, plugins: [{ type: 'a', name: 'inner' }, { type: 'b' }] }],
  ])('of %s reads as the same network', (_, json) => {
    const config = parsed(json)
    const again = readNetworkConfig(configSource(config), { path: '', name: 'other' })
    expect(again).toMatchObject({
      ok: true,
      config: { name: config.name, cniVersion: config.cniVersion, form: config.form, disableGC: config.disableGC },
    })
    if (again.ok) expect(configSource(again.config)).toEqual(configSource(config))
  })
})
