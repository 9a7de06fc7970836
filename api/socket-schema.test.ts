import { assert, jsonValue, property } from 'fast-check'
import { type Json, sentenceOf } from './json.ts'
import { parseSandboxRecord, parseSpoolEntry } from './sandbox-record-schema.ts'
import { parseCommit, parseDetached, parseOperation } from './socket-schema.ts'

const operation = { protocol: 1, env: { CNI_CONTAINERID: 'c1' }, config: { name: 'plexus' }, startedAt: 1, deadline: 2 }
const attachment = { network: 'n', ifName: 'eth0', primary: true, required: true, cniArgs: '', plugins: [{ type: 'bridge' }], timeoutMs: 1 }
const record = {
  version: 1,
  containerId: 'c1',
  state: 'attached',
  origin: 'shim',
  pod: { namespace: '', name: '', uid: '' },
  netns: '',
  ifName: 'eth0',
  cniVersion: '1.0.0',
  binDirs: [],
  bootId: '',
  changedAt: 1.5,
  changed: '',
  attachments: [attachment],
}

describe('requests of the socket', () => {
  it.each([
    ['an operation', parseOperation, operation],
    ['a commit', parseCommit, { protocol: 1, containerId: 'c1', results: [{ network: 'n', ifName: 'eth0', result: {} }], failed: [] }],
    ['a report', parseDetached, { protocol: 1, containerId: 'c1', outcomes: [{ network: 'n', ifName: 'eth0' }], reason: 'because' }],
    ['a record', parseSandboxRecord, record],
    [
      'a spool entry',
      parseSpoolEntry,
      { version: 1, containerId: 'c1', ifName: 'eth0', netns: '', cniArgs: '', outcomes: [], executed: false },
    ],
  ])('are kept as they were sent: %s', (_, parse, sent) => {
    expect(parse(sent)).toEqual({ ok: true, value: sent })
  })

  it.each([
    ['a protocol of the future', parseOperation, { ...operation, protocol: 2 }, 'protocol'],
    ['a variable that is no string', parseOperation, { ...operation, env: { CNI_NETNS: 7 } }, 'env.CNI_NETNS'],
    ['a config that is a list', parseOperation, { ...operation, config: [] }, 'config'],
    [
      'an attachment without plugins',
      parseSandboxRecord,
      { ...record, attachments: [{ ...attachment, plugins: [] }] },
      'attachments.0.plugins',
    ],
    ['a state that is none', parseSandboxRecord, { ...record, state: 'lost' }, 'state'],
  ])('name the field of %s', (_, parse, sent, path) => {
    expect(parse(sent)).toMatchObject({ ok: false, path })
  })

  it('are refused in a sentence, whatever they are', () => {
    assert(
      property(jsonValue(), (value) => {
        const json: Json = JSON.parse(JSON.stringify(value))
        for (const parse of [parseOperation, parseCommit, parseDetached, parseSandboxRecord, parseSpoolEntry]) {
          const parsed = parse(json)
          if (!parsed.ok) expect(sentenceOf(parsed)).toContain('; run a shim and an agent of the same release')
        }
      }),
    )
  })
})
