// Holds a plugin's stdin to what libcni would write: nothing removed, only declared capabilities passed.
import { parseNetworkConfig } from '#api/cni/config'
import { gcInput, knowsVerb, pluginInputs, withPrevResult } from '#api/cni/plugin-input'
import type { Json } from '#api/json'

function inputs(json: Json, input: Parameters<typeof pluginInputs>[1]): readonly Json[] {
  const parsed = parseNetworkConfig(JSON.stringify(json), { path: 'spec.config', name: 'net' })
  if (!parsed.ok) throw new Error(parsed.problem)
  return pluginInputs(parsed.config, input)
}

const list = {
  cniVersion: '1.0.0',
  name: 'l',
  plugins: [
    { type: 'a', capabilities: { ips: true } },
    { type: 'b', args: { cni: { k: 1, own: 2 }, other: 3 } },
  ],
}

describe('pluginInputs', () => {
  it('pass each plugin only what it declares', () => {
    expect(inputs(list, { runtimeConfig: { ips: ['10.0.0.1/24'], mac: '02:00:00:00:00:01' } })).toEqual([
      { type: 'a', name: 'l', cniVersion: '1.0.0', capabilities: { ips: true }, runtimeConfig: { ips: ['10.0.0.1/24'] } },
      { type: 'b', name: 'l', cniVersion: '1.0.0', args: { cni: { k: 1, own: 2 }, other: 3 } },
    ])
  })

  it('merge cni-args over args.cni of every plugin', () => {
    expect(inputs(list, { cniArgs: { k: 'v' } })).toMatchObject([
      { args: { cni: { k: 'v' } } },
      { args: { cni: { k: 'v', own: 2 }, other: 3 } },
    ])
  })

  it('give a device to every plugin under both names', () => {
    const device = { deviceID: '0000:01:00.1', pciBusID: '0000:01:00.1' }
    expect(inputs(list, { deviceId: '0000:01:00.1' })).toMatchObject([device, device])
  })

  it('overrule name and version that a plugin in a list writes itself', () => {
    expect(inputs({ name: 'l', cniVersion: '0.4.0', plugins: [{ type: 'a', name: 'x', cniVersion: '1.0.0' }] }, {})).toEqual([
      { type: 'a', name: 'l', cniVersion: '0.4.0' },
    ])
  })
})

describe('withPrevResult', () => {
  const result = { cniVersion: '1.0.0' }
  it.each([
    ['ADD chains it in every version', '0.3.1', 'ADD', true],
    ['DEL knows it from 0.4.0', '0.4.0', 'DEL', true],
    ['DEL before does not', '0.3.1', 'DEL', false],
    ['CHECK knows it', '1.1.0', 'CHECK', true],
  ] as const)('%s', (_, cniVersion, verb, expected) => {
    expect('prevResult' in withPrevResult({ type: 'a', cniVersion }, result, verb)).toBe(expected)
  })

  it('changes nothing without a result', () => expect(withPrevResult({ type: 'a' }, undefined, 'ADD')).toEqual({ type: 'a' }))
})

it('gcInput names valid attachments under the final key and the one before it', () => {
  const valid = [{ containerID: 'c', ifname: 'net1' }]
  expect(gcInput({ type: 'a', runtimeConfig: { mac: 'x' }, prevResult: {} }, valid)).toEqual({
    type: 'a',
    'cni.dev/valid-attachments': valid,
    'cni.dev/attachments': valid,
  })
})

it.each([
  ['CHECK', '0.3.1', false],
  ['CHECK', '0.4.0', true],
  ['STATUS', '1.0.0', false],
  ['GC', '1.1.0', true],
] as const)('%s in %s: %s', (verb, version, expected) => expect(knowsVerb(version, verb)).toBe(expected))
