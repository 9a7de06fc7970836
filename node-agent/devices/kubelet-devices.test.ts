// Holds the look-up of a pod's devices to the kubelet's socket, then its checkpoint, then a sentence that says both failed.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fakeClock, type FakeClock } from '#kube/process/clock.fake'
import { fakeLog } from '#kube/process/log.fake'
import { until } from '#kube/testing/until'
import { type KubeletDevices, openKubeletDevices } from './kubelet-devices.ts'
import { message, podResources } from './testing/encode.ts'
import { type Answer, type FakeKubelet, openFakeKubelet } from './testing/kubelet.ts'

const VF = 'intel.com/sriov'
const pod = { namespace: 'shop', name: 'web', uid: 'u1' }
const listed: Answer = { kind: 'message', bytes: podResources({ ...pod, containers: [{ [VF]: ['b', 'a'] }] }) }
const never = new AbortController().signal
let directory: string
let kubelet: FakeKubelet
let clock: FakeClock
let devices: KubeletDevices

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubelet-'))
  await Promise.all(['pods', 'plugins'].map((name) => mkdir(join(directory, name))))
  kubelet = await openFakeKubelet(join(directory, 'pods/kubelet.sock'))
  clock = fakeClock()
  devices = openKubeletDevices({
    podResourcesDir: join(directory, 'pods'),
    devicePluginsDir: join(directory, 'plugins'),
    clock,
    log: fakeLog(),
  })
})
afterEach(async () => {
  await kubelet.close()
  await rm(directory, { recursive: true, force: true })
})

const writeCheckpoint = (uid: string): Promise<void> =>
  writeFile(
    join(directory, 'plugins/kubelet_internal_checkpoint'),
    JSON.stringify({ Data: { PodDeviceEntries: [{ PodUID: uid, ResourceName: VF, DeviceIDs: { '0': ['c'] } }] } }),
  )

describe('the devices of a pod', () => {
  it("come from the kubelet's socket", async () => {
    kubelet.answer(listed)
    expect(await devices.find(pod, never)).toEqual(new Map([[VF, ['a', 'b']]]))
    expect(kubelet.calls).toEqual(['POST /v1.PodResourcesLister/List application/grpc'])
  })

  it('are none when the kubelet does not name the pod', async () => {
    await writeCheckpoint('u1')
    expect(await devices.find(pod, never)).toEqual(new Map())
  })

  it('come in an answer of 15 MiB', async () => {
    const bytes = Buffer.concat([message([7, Buffer.alloc(15 * 1024 * 1024)]), podResources({ ...pod, containers: [{ [VF]: ['z'] }] })])
    kubelet.answer({ kind: 'message', bytes })
    expect(await devices.find(pod, never)).toEqual(new Map([[VF, ['z']]]))
  })

  it.each<readonly [string, Answer]>([
    ['refuses, because it was asked too often', { kind: 'status', code: 8, message: 'rejected by rate limit' }],
    ['speaks no gRPC', { kind: 'http', status: 404 }],
    ['closes the connection', { kind: 'cut' }],
    ['cuts its message', { kind: 'frame', bytes: Buffer.from([0, 0, 0, 0, 9, 1]) }],
    ['sends no message', { kind: 'frame', bytes: Buffer.alloc(0) }],
    ['compresses', { kind: 'frame', bytes: Buffer.from([1, 0, 0, 0, 0]) }],
    ['sends other bytes', { kind: 'message', bytes: Buffer.from([0x0a, 9]) }],
    ['sends more than 16 MiB', { kind: 'message', bytes: Buffer.alloc(16 * 1024 * 1024 + 1) }],
  ])('come from the checkpoint, by uid, when the socket %s', async (_, answer) => {
    kubelet.answer(answer)
    await writeCheckpoint('u1')
    expect(await devices.find(pod, never)).toEqual(new Map([[VF, ['c']]]))
    expect(await devices.find({ ...pod, uid: 'u2' }, never)).toEqual(new Map())
  })

  it('come from the checkpoint when the socket does not answer within 10 s', async () => {
    kubelet.answer({ kind: 'stall' })
    await writeCheckpoint('u1')
    const found = devices.find(pod, never)
    await until('the kubelet was asked', () => kubelet.calls.length === 1)
    await clock.advance(10_000)
    expect(await found).toEqual(new Map([[VF, ['c']]]))
  })

  it.each([
    ['is missing', undefined, /cannot be read/],
    ['is broken', '{', /is not a checkpoint/],
  ])('are unknown, to be tried again, when the socket fails and the checkpoint %s', async (_, text, problem) => {
    kubelet.answer({ kind: 'status', code: 8, message: 'rejected by rate limit' })
    if (text !== undefined) await writeFile(join(directory, 'plugins/kubelet_internal_checkpoint'), text)
    const found = devices.find(pod, never)
    await expect(found).rejects.toMatchObject({ code: 'TryAgainLater' })
    await expect(found).rejects.toThrow(/pod shop\/web.*rejected by rate limit.*kubelet_internal_checkpoint/)
    await expect(found).rejects.toThrow(problem)
  })

  it('of a herd of pods cost two calls: the one under way and one for all that came later', async () => {
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    kubelet.answer({ kind: 'held', bytes: podResources(), until: held })
    const first = devices.find(pod, never)
    await until('the kubelet was asked', () => kubelet.calls.length === 1)
    const later = Array.from({ length: 20 }, () => devices.find(pod, never))
    kubelet.answer(listed)
    release()
    expect(await first).toEqual(new Map())
    expect(await Promise.all(later)).toEqual(Array.from({ length: 20 }, () => new Map([[VF, ['a', 'b']]])))
    expect(kubelet.calls).toHaveLength(2)
  })

  it('are not waited for by who gave up', async () => {
    kubelet.answer({ kind: 'stall' })
    const gaveUp = new AbortController()
    const found = devices.find(pod, gaveUp.signal)
    gaveUp.abort(new Error('the shim is gone'))
    await expect(found).rejects.toThrow('the shim is gone')
    await clock.advance(10_000)
  })
})
