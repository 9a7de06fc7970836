import { afterDetach, attachedRecord, deletingRecord, plannedRecord } from './transitions.ts'

const stamp = { bootId: 'b', changedAt: 1, changed: 'then' }
const later = { bootId: 'b', changedAt: 2, changed: 'later' }
const plugins = [{ type: 'bridge' }]
const place = (network: string, ifName: string) => ({
  network,
  ifName,
  primary: ifName === 'eth0',
  required: true,
  cniArgs: '',
  plugins,
  timeoutMs: 1,
})
const planned = plannedRecord(
  {
    containerId: 'c1',
    pod: { namespace: '', name: '', uid: '' },
    netns: '',
    ifName: 'eth0',
    cniVersion: '1.0.0',
    binDirs: [],
    attachments: [place('cluster', 'eth0'), place('shop/a', 'net1')],
  },
  stamp,
)
const error = { plugin: 'macvlan', code: 100, msg: 'busy' }

describe('a sandbox record', () => {
  it.each([
    [
      'gone when everything was detached',
      [
        { network: 'cluster', ifName: 'eth0' },
        { network: 'shop/a', ifName: 'net1' },
      ],
      'gone',
      [],
    ],
    [
      'deleting with what is left',
      [
        { network: 'cluster', ifName: 'eth0' },
        { network: 'shop/a', ifName: 'net1', error },
      ],
      'deleting',
      ['net1'],
    ],
    ['deleting with what was not reported', [{ network: 'shop/a', ifName: 'net1' }], 'deleting', ['eth0']],
    ['deleting when nothing was reported', [], 'deleting', ['eth0', 'net1']],
  ])('is %s', (_, outcomes, state, left) => {
    const next = afterDetach(planned, outcomes, later)
    expect({ state: next.state, left: next.attachments.map(({ ifName }) => ifName) }).toEqual({ state, left })
    expect(next.changedAt).toBe(2)
  })

  it('keeps the last error for people', () => {
    expect(afterDetach(planned, [{ network: 'shop/a', ifName: 'net1', error }], later).lastError).toBe('macvlan: busy')
  })

  it('owes no status once it is deleted', () => {
    const attached = attachedRecord(planned, { attachments: planned.attachments, statusPending: true }, stamp)
    expect([attached.statusPending, deletingRecord(attached, later).statusPending]).toEqual([true, undefined])
  })

  it('does not change by a second DEL', () => {
    const deleting = deletingRecord(planned, stamp)
    expect(deletingRecord(deleting, later)).toBe(deleting)
  })
})
