// Holds both of the kubelet's sources to the same answer: sorted, each device once, of this pod alone.
import { devicesInCheckpoint } from './checkpoint.ts'
import { devicesInPodResources } from './pod-resources-message.ts'
import { podResources } from './testing/encode.ts'

const VF = 'intel.com/sriov'
const answer = podResources(
  { namespace: 'other', name: 'web', containers: [{ [VF]: ['0000:18:02.9'] }] },
  { namespace: 'shop', name: 'web', containers: [{ [VF]: ['0000:18:02.5', '0000:18:02.1'], 'a.b/c': ['x'] }, { [VF]: ['0000:18:02.3'] }] },
  { namespace: 'shop', name: 'plain', containers: [{}] },
)

describe('devices in an answer of the kubelet', () => {
  it('are sorted over all containers of the pod', () => {
    expect(devicesInPodResources(answer, { namespace: 'shop', name: 'web' })).toEqual(
      new Map([
        [VF, ['0000:18:02.1', '0000:18:02.3', '0000:18:02.5']],
        ['a.b/c', ['x']],
      ]),
    )
  })

  it('are none for a pod without, and unsaid for one it does not name', () => {
    expect(devicesInPodResources(answer, { namespace: 'shop', name: 'plain' })).toEqual(new Map())
    expect(devicesInPodResources(answer, { namespace: 'shop', name: 'new' })).toBeUndefined()
  })
})

const entry = (uid: string, ids: unknown, resource = VF) => ({ PodUID: uid, ContainerName: 'c', ResourceName: resource, DeviceIDs: ids })
const file = (...entries: readonly object[]): string =>
  JSON.stringify({ Data: { PodDeviceEntries: entries, RegisteredDevices: { [VF]: ['a'] } }, Checksum: 1 })

describe('devices in the checkpoint of the kubelet', () => {
  it.each([
    ['grouped by NUMA node', [entry('u1', { '1': ['b'], '0': ['c'], '-1': ['a'] })], new Map([[VF, ['a', 'b', 'c']]])],
    ['in one list, as old kubelets write it', [entry('u1', ['b', 'a'])], new Map([[VF, ['a', 'b']]])],
    [
      'of several containers, shared ones once',
      [entry('u1', { '0': ['b', 'a'] }), entry('u1', { '0': ['b'] })],
      new Map([[VF, ['a', 'b']]]),
    ],
    ['of the pod alone', [entry('u2', { '0': ['a'] })], new Map()],
    ['that is null', [entry('u1', null)], new Map()],
  ])('are read when they are %s', (_, entries, devices) => {
    expect(devicesInCheckpoint(file(...entries), 'u1')).toEqual({ ok: true, devices })
  })

  it('are none of a pod without uid', () => {
    expect(devicesInCheckpoint(file(entry('', { '0': ['a'] })), '')).toEqual({ ok: true, devices: new Map() })
  })

  it.each([
    ['', 'JSON'],
    ['{"Data":{"PodDeviceEntries":[{"PodUID":1}]}}', 'PodUID'],
    ['[]', 'expected object'],
  ])('are refused in %s', (text, problem) => {
    expect(devicesInCheckpoint(text, 'u1')).toMatchObject({ ok: false, problem: expect.stringContaining(problem) })
  })
})
