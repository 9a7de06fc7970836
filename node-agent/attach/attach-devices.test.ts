// Holds the whole life of a device on one node: asked of the kubelet, told to plugins, shown in network-status, gone at DEL, over restarts.
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '#kube/testing/until'
import { podResources } from '../devices/testing/encode.ts'
import { type FakeKubelet, openFakeKubelet } from '../devices/testing/kubelet.ts'
import { pods } from '../pods/pod.ts'
import { BOTH, commitOf, detachedOf, gone, openShimWorld, WANTS_A } from './testing/shim-calls.ts'
import { usable } from './testing/ports.fake.ts'
import { devicesIn, operation, type World } from './testing/world.ts'

const VF = 'intel.com/sriov'
const STATUS_KEY = 'k8s.v1.cni.cncf.io/network-status'
let world: World
let kubelet: FakeKubelet
let info: string

beforeEach(async () => {
  world = await openShimWorld()
  const { podResourcesDir, devicePluginsDir, deviceInfoDir } = devicesIn(world.directory)
  info = deviceInfoDir
  await Promise.all([podResourcesDir, devicePluginsDir, join(info, 'dp')].map((path) => mkdir(path, { recursive: true })))
  kubelet = await openFakeKubelet(join(podResourcesDir, 'kubelet.sock'))
  holds('0000:18:02.5')
  const config = { cniVersion: '1.0.0', name: 'a', type: 'sec', capabilities: { deviceID: true, CNIDeviceInfoFile: true } }
  world.snapshot.put('default/a', { ...usable(config), resourceName: VF })
})
afterEach(async () => {
  await kubelet.close()
  await world.close()
})

function holds(...ids: readonly string[]): void {
  const bytes = podResources({ namespace: 'default', name: 'web', containers: [{ [VF]: ids }] })
  kubelet.answer({ kind: 'message', bytes })
}

const writeInfo = (text: string): Promise<void> => writeFile(join(info, 'dp/intel.com-sriov-0000:18:02.5-device.json'), text)
const PCI = '{"type":"pci","version":"1.1.0","pci":{"pci-address":"0000:18:02.5"}}'
const FILE = 'default-a-c1_net1'
const files = (): Promise<readonly string[]> => readdir(join(info, 'cni')).catch(() => [])

async function add(): Promise<void> {
  expect(await world.post('/v1/plan', operation('c1', WANTS_A))).toMatchObject({ status: 200 })
  expect(await world.post('/v1/commit', commitOf('c1', BOTH))).toMatchObject({ status: 200 })
}

function shown(): unknown {
  const annotations = world.api.get(pods, { namespace: 'default', name: 'web' })?.metadata.annotations
  return JSON.parse(annotations?.[STATUS_KEY] ?? '[]')
}

describe('a device', () => {
  it('reaches the plugins, the record and network-status, and its file goes with the DEL', async () => {
    await writeInfo(PCI)
    await world.start()
    const planned = await world.post('/v1/plan', operation('c1', WANTS_A))
    const infoFile = join(info, 'cni', FILE)
    const device = { deviceID: '0000:18:02.5', pciBusID: '0000:18:02.5' }
    const runtimeConfig = { deviceID: '0000:18:02.5', CNIDeviceInfoFile: infoFile }
    expect(planned.body).toMatchObject({ attachments: [{}, { plugins: [{ ...device, runtimeConfig }] }] })
    expect([await readFile(infoFile, 'utf8'), ((await stat(infoFile)).mode & 0o777).toString(8)]).toEqual([PCI, '444'])

    await world.post('/v1/commit', commitOf('c1', BOTH))
    expect(shown()).toMatchObject([{ name: 'cluster' }, { name: 'default/a', 'device-info': JSON.parse(PCI) }])
    expect(await world.record('c1')).toMatchObject({ attachments: [{}, { device: { resource: VF, id: '0000:18:02.5', infoFile } }] })

    expect((await world.post('/v1/del', operation('c1'))).body).toMatchObject({ attachments: [{}, { plugins: [device] }] })
    await world.post('/v1/detached', detachedOf('c1'))
    expect(await files()).toEqual([])
  })

  it('keeps its file while a plugin could not be detached, and loses it when the agent finished the DEL', async () => {
    await writeInfo(PCI)
    await world.start()
    await add()
    await world.post('/v1/del', operation('c1'))
    await world.plugin('sec', `ls ${info}/cni > ${world.directory}/seen; exit 0`)
    const error = { plugin: 'sec', code: 100, msg: 'busy' }
    const outcomes = [
      { network: 'cluster', ifName: 'eth0' },
      { network: 'default/a', ifName: 'net1', error },
    ]
    await world.post('/v1/detached', { ...detachedOf('c1'), outcomes })
    await gone(world, 'c1')
    expect(await readFile(join(world.directory, 'seen'), 'utf8')).toBe(`${FILE}\n`)
    expect(await files()).toEqual([])
  })

  it('loses its file with the roll-back of the ADD', async () => {
    await writeInfo(PCI)
    await world.start()
    await world.post('/v1/plan', operation('c1', WANTS_A))
    expect(await files()).toEqual([FILE])
    await world.post('/v1/detached', detachedOf('c1', { reason: 'sec: no such link' }))
    expect(await files()).toEqual([])
  })

  it('is shown as a plugin describes it that wrote the file itself', async () => {
    await world.start()
    await world.post('/v1/plan', operation('c1', WANTS_A))
    await mkdir(join(info, 'cni'), { recursive: true })
    const memif = '{"type":"memif","version":"1.1.0","memif":{"role":"server","path":"/run/m.sock","mode":"ethernet"}}'
    await writeFile(join(info, 'cni', FILE), memif)
    await world.post('/v1/commit', commitOf('c1', BOTH))
    expect(shown()).toMatchObject([{}, { 'device-info': JSON.parse(memif) }])
  })

  it('is shown after a restart of the agent between ADD and a status that was owed', async () => {
    await writeInfo(PCI)
    await world.start()
    await world.post('/v1/plan', operation('c1', WANTS_A))
    world.api.fault({ method: 'PATCH' }, { kind: 'answer', status: 500 })
    await world.post('/v1/commit', commitOf('c1', BOTH))
    await world.start()
    await until('the status was written', () => JSON.stringify(shown()).includes('device-info'))
    expect(shown()).toMatchObject([{}, { 'device-info': JSON.parse(PCI) }])
  })

  it.each([
    ['no file', async () => undefined],
    ['a file that is no device-info', () => writeInfo('[]')],
    ['a file beyond all bounds', () => writeInfo(`{"type":"${'x'.repeat(70_000)}"}`)],
    [
      'a directory that cannot be written',
      async () => {
        await writeInfo(PCI)
        await writeFile(join(info, 'cni'), '')
      },
    ],
  ])('is attached without device-info when there is %s', async (_, prepare) => {
    await prepare()
    await world.start()
    await add()
    expect(shown()).toEqual([expect.anything(), expect.not.objectContaining({ 'device-info': expect.anything() })])
    await world.post('/v1/del', operation('c1'))
    await world.post('/v1/detached', detachedOf('c1'))
    expect((await world.record('c1')).state).toBe('gone')
  })
})

describe('a pod without the device that its network needs', () => {
  it('is refused by name before anything is recorded, and told once', async () => {
    holds()
    await world.start()
    const answers = [await world.post('/v1/plan', operation('c1', WANTS_A)), await world.post('/v1/plan', operation('c2', WANTS_A))]
    const msg = expect.stringMatching(/network default\/a needs a device of "intel.com\/sriov", of which pod default\/web has no device/)
    expect(answers).toMatchObject([{ status: 400, body: { code: 7, msg, details: 'DeviceMissing' } }, { status: 400 }])
    expect(world.events.notes.map(({ reason }) => reason)).toEqual(['FailedAttach'])
    await expect(world.record('c1')).rejects.toThrow('ENOENT')
  })

  it('is tried again when the kubelet cannot say', async () => {
    kubelet.answer({ kind: 'status', code: 8, message: 'rejected by rate limit' })
    await world.start()
    expect(await world.post('/v1/plan', operation('c1', WANTS_A))).toMatchObject({ status: 400, body: { code: 11 } })
    holds('0000:18:02.5')
    expect(await world.post('/v1/plan', operation('c1', WANTS_A))).toMatchObject({ status: 200 })
  })
})

describe('pods whose networks hand out no devices', () => {
  it('cost the kubelet nothing', async () => {
    world.snapshot.put('default/a', usable({ cniVersion: '1.0.0', name: 'a', type: 'sec' }))
    await world.start()
    await add()
    expect(kubelet.calls).toEqual([])
    expect(await files()).toEqual([])
  })
})
