import type { Pod } from '../pods/pod.ts'
import { missedPods, statusLess } from './missed-pods.ts'
import { sandbox } from './testing/context.ts'

const WANTS = { 'k8s.v1.cni.cncf.io/networks': 'a' }

function pod(change: Partial<Pod> = {}, annotations: Readonly<Record<string, string>> = WANTS): Pod {
  return {
    metadata: { namespace: 'shop', name: 'web', uid: 'uid-1', resourceVersion: '', labels: {}, annotations },
    hostNetwork: false,
    hasNetworkStatus: false,
    phase: 'Running',
    deleting: false,
    ...change,
  }
}

describe('a pod that missed its networks', () => {
  it.each([
    ['is one that runs and has no record', pod(), [], 1],
    [
      'is one of which only another incarnation has a record',
      pod(),
      [sandbox({ pod: { namespace: 'shop', name: 'web', uid: 'uid-0' } })],
      1,
    ],
    ['is not one with a record', pod(), [sandbox()], 0],
    ['is not one whose runtime did not say the uid', pod(), [sandbox({ pod: { namespace: 'shop', name: 'web', uid: '' } })], 0],
    ['is not one that asks for nothing', pod({}, { 'k8s.v1.cni.cncf.io/networks': '' }), [], 0],
    ['is not one on the host network', pod({ hostNetwork: true }), [], 0],
    ['is not one that Multus attached, or whose record was lost', pod({ hasNetworkStatus: true }), [], 0],
    ['is not one that is starting', pod({ phase: 'Pending' }), [], 0],
    ['is not one that is going', pod({ deleting: true }), [], 0],
  ])('%s', (_, seen, records, count) => {
    expect(missedPods([seen], records)).toHaveLength(count)
  })
})

describe('a network-status that the last agent did not write', () => {
  it.each([
    ['is owed', pod(), sandbox(), 1],
    ['is not owed when it is there', pod({ hasNetworkStatus: true }), sandbox(), 0],
    ['is not owed twice', pod(), sandbox({ statusPending: true }), 0],
    ['is not owed for a sandbox that is not attached', pod(), sandbox({ state: 'planned' }), 0],
  ])('%s', (_, seen, record, count) => {
    expect(statusLess([seen], [record])).toHaveLength(count)
  })
})
