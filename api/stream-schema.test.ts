import { parseAck, parseStreamMessage } from './stream-schema.ts'

const revision = { epoch: 1, sequence: 2 }
const usable = {
  state: 'usable',
  uid: 'u',
  generation: 1,
  config: { name: 'a', cniVersion: '1.0.0', plugins: [{ type: 'macvlan', capabilities: [], conf: { type: 'macvlan', mtu: 9000 } }] },
}

describe('parseStreamMessage', () => {
  it.each([
    ['a usable network', { type: 'put', kind: 'network', key: 'a/b', revision, object: usable }],
    [
      'a network without a config of its own',
      { type: 'put', kind: 'network', key: 'a/b', revision, object: { state: 'usable', uid: 'u', generation: 1 } },
    ],
    [
      'a rejected network',
      { type: 'put', kind: 'network', key: 'a/b', revision, object: { state: 'rejected', uid: 'u', generation: 1, message: 'why' } },
    ],
    ['the labels of a namespace', { type: 'put', kind: 'namespace', key: 'a', revision, object: { labels: { team: 'x' } } }],
    ['a deletion', { type: 'delete', kind: 'network', key: 'a/b', revision }],
    ['the end of a snapshot', { type: 'synced', revision }],
    ['a ping', { type: 'ping' }],
  ])('reads %s unchanged', (_, message) => {
    expect(parseStreamMessage(JSON.stringify(message))).toEqual({ ok: true, message })
  })

  it('fills the defaults of a profile that an older operator sent', () => {
    const sent = { type: 'put', kind: 'profile', key: 'profile', revision, object: { name: 'p', generation: 1, spec: {} } }
    expect(parseStreamMessage(JSON.stringify(sent))).toMatchObject({ ok: true, message: { object: { spec: { state: 'Installed' } } } })
  })

  it.each([
    ['what is not JSON', '{', ''],
    ['a kind of a newer operator', JSON.stringify({ type: 'put', kind: 'pool', key: 'a', revision, object: {} }), 'kind'],
    ['a negative sequence', JSON.stringify({ type: 'synced', revision: { epoch: 1, sequence: -1 } }), 'revision.sequence'],
    [
      'a config without plugins',
      JSON.stringify({ type: 'put', kind: 'network', key: 'a/b', revision, object: { ...usable, config: { name: 'a' } } }),
      'object.config',
    ],
  ])('refuses %s and names the field', (_, text, path) => {
    expect(parseStreamMessage(text)).toMatchObject({ ok: false, path })
  })
})

describe('parseAck', () => {
  const rejected = [{ kind: 'network', key: 'a/b', reason: 'PluginMissing', message: 'sriov is missing' }]

  it('reads the whole truth of a node', () => {
    expect(parseAck({ revision, rejected })).toEqual({ ok: true, ack: { revision, rejected } })
  })

  it.each([
    ['no revision', { rejected: [] }, 'revision'],
    ['an unknown reason', { revision, rejected: [{ ...rejected[0], reason: 'Mood' }] }, 'rejected.0.reason'],
  ])('refuses %s', (_, json, path) => {
    expect(parseAck(json)).toMatchObject({ ok: false, path })
  })
})
