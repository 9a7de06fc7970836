// Holds rendering to values only: never what is executed, never a second pass, and a missing value named by node.
import * as fc from 'fast-check'
import { type NetworkConfig, readNetworkConfig } from '#api/cni/config'
import type { Json } from '#api/json'
import { sentenceOf } from '#api/json'
import { forbiddenPlaceholder, hasPlaceholders, type RenderFacts, renderForNode } from '#api/render'

const facts: RenderFacts = {
  node: {
    name: 'node-a',
    labels: { uplink: 'ens1', 'example.org/vlan': '42', word: 'x', twice: '${node.name}' },
    annotations: { note: 'hello' },
  },
  profileParameters: { mtu: '9000' },
}

function config(json: Json): NetworkConfig {
  const read = readNetworkConfig(json, { path: 'spec.config', name: 'net' })
  if (!read.ok) throw new Error(sentenceOf(read))
  return read.config
}

function rendered(json: Json): Json {
  const outcome = renderForNode(config(json), facts)
  return outcome.ok ? (outcome.config.plugins[0]?.conf ?? null) : sentenceOf(outcome)
}

describe('renderForNode', () => {
  it.each([
    ["the node's name", '${node.name}', 'node-a'],
    ['a label', "${node.labels['uplink']}", 'ens1'],
    ['an annotation', "${node.annotations['note']}", 'hello'],
    ['a parameter of the profile', "${profile.parameters['mtu']}", '9000'],
    ['several in one value', "${node.labels['uplink']}.${node.labels['example.org/vlan']}", 'ens1.42'],
    ['a number', "${node.labels['example.org/vlan']|int}", 42],
    ['nothing twice', "${node.labels['twice']}", '${node.name}'],
    ['nothing it does not know', '${HOME} ${node.uid} ${node.labels[uplink]} $${x}', '${HOME} ${node.uid} ${node.labels[uplink]} $${x}'],
  ])('replaces %s', (_, value, expected) => {
    expect(rendered({ type: 'a', x: { deep: [value] } })).toMatchObject({ x: { deep: [expected] } })
  })

  it('replaces in every plugin of a list and keeps the rest', () => {
    const outcome = renderForNode(
      config({ name: 'l', disableGC: true, plugins: [{ type: 'a' }, { type: 'b', mtu: "${profile.parameters['mtu']|int}" }] }),
      facts,
    )
    expect(outcome).toMatchObject({
      ok: true,
      config: { name: 'l', disableGC: true, form: 'conflist', plugins: [{ type: 'a' }, { type: 'b', conf: { mtu: 9000 } }] },
    })
  })

  it.each([
    [
      'a missing label',
      { type: 'a', master: "${node.labels['no']}" },
      "spec.config.master: node node-a has no node.labels['no']; set the label on the node",
    ],
    [
      'a missing annotation',
      { type: 'a', x: ["${node.annotations['no']}"] },
      "spec.config.x[0]: node node-a has no node.annotations['no']; set the annotation on the node",
    ],
    [
      'a missing parameter',
      { name: 'l', plugins: [{ type: 'a', x: "${profile.parameters['no']}" }] },
      "spec.config.plugins[0].x: node node-a has no profile.parameters['no']; set it in the NodeNetworkProfile's spec.parameters",
    ],
    [
      'a label that every object has',
      { type: 'a', x: "${node.labels['constructor']}" },
      "spec.config.x: node node-a has no node.labels['constructor']; set the label on the node",
    ],
    [
      'a word as integer',
      { type: 'a', vlan: "${node.labels['word']|int}" },
      'spec.config.vlan: node.labels[\'word\'] of node node-a is "x" and not an integer; set an integer, or remove "|int"',
    ],
    [
      'an integer inside a text',
      { type: 'a', vlan: "v${node.labels['word']|int}" },
      'spec.config.vlan: "${node.labels[\'word\']|int}" is only a part of the value; write "|int" only where it is the whole value',
    ],
    [
      'a pool',
      { type: 'a', ipam: { type: 'plexus-ipam', pool: '${node.name}' } },
      'spec.config.ipam.pool: "${node.name}" is not allowed here; write the same "pool" for every node',
    ],
    [
      'pools',
      { type: 'a', ipam: { type: 'plexus-ipam', pools: ['${node.name}'] } },
      'spec.config.ipam.pools[0]: "${node.name}" is not allowed here; write the same "pools" for every node',
    ],
    [
      'a type further in',
      { type: 'flannel', delegate: { type: '${node.name}' } },
      'spec.config.delegate.type: "${node.name}" is not allowed here; write the same "type" for every node',
    ],
    [
      "a plugin's name",
      { name: 'l', plugins: [{ type: 'a', name: '${node.name}' }] },
      'spec.config.plugins[0].name: "${node.name}" is not allowed here; write the same "name" for every node',
    ],
  ])('refuses %s', (_, json, sentence) => expect(rendered(json)).toBe(sentence))

  it('says which placeholder and why, for statuses', () => {
    expect(renderForNode(config({ type: 'a', x: "${node.labels['no']}" }), facts)).toMatchObject({
      ok: false,
      reason: 'missing',
      placeholder: "node.labels['no']",
    })
  })

  it('leaves a config without placeholders as it is', () => {
    const plain = config({ type: 'a', x: '${HOME}' })
    expect(hasPlaceholders(plain)).toBe(false)
    expect(renderForNode(plain, facts)).toEqual({ ok: true, config: plain })
  })

  it('forges neither keys of ours nor JSON, whatever a label holds', () => {
    fc.assert(
      fc.property(fc.string(), (label) => {
        const outcome = renderForNode(config({ type: 'a', x: "${node.labels['l']}" }), {
          ...facts,
          node: { ...facts.node, labels: { l: label } },
        })
        expect(outcome).toMatchObject({ ok: true, config: { plugins: [{ type: 'a', conf: { x: label } }] } })
      }),
    )
  })
})

describe('forbiddenPlaceholder', () => {
  it('finds a place before any node is known', () => {
    expect(forbiddenPlaceholder(config({ type: 'a', ipam: { type: 'x', pool: '${node.name}' } }))).toMatchObject({
      reason: 'forbidden',
      path: 'spec.config.ipam.pool',
    })
    expect(forbiddenPlaceholder(config({ type: 'a', master: "${node.labels['uplink']}" }))).toBeUndefined()
  })
})
