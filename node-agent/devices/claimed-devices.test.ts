// Holds devices of resource claims to the API's objects: claims of templates, named ones, those of extended resources, slices of this node.
import type { PodIdentity } from '#api/sandbox-record'
import type { KubeClient } from '#kube/client'
import { systemClock } from '#kube/process/system-clock'
import { connect } from '#kube/testing/connect'
import { type FakeApiServer, openFakeApiServer } from '#kube/testing/fake-apiserver'
import { claimingPods, resourceClaims, resourceSlices } from './claim-kinds.ts'
import { type ClaimedDevices, openClaimedDevices } from './claimed-devices.ts'

const VF = 'intel.com/sriov'
let pod: PodIdentity
const never = new AbortController().signal
let api: FakeApiServer
let client: KubeClient
let claimed: ClaimedDevices

beforeEach(async () => {
  pod = { namespace: 'shop', name: 'web', uid: 'unknown' }
  api = await openFakeApiServer({ resources: [claimingPods, resourceClaims, resourceSlices] })
  client = connect({ url: api.url })
  claimed = openClaimedDevices({ client, nodeName: 'node-a', clock: systemClock() })
  putSlice('slice-1', [device('dev-0', '0000:18:02.7'), device('dev-1', '0000:18:02.1'), { name: 'gpu-0', attributes: {} }])
})
afterEach(async () => {
  await client.close()
  await api.close()
})

const device = (name: string, id: string, resource = VF): object => ({
  name,
  attributes: { 'k8s.cni.cncf.io/deviceID': { string: id }, 'k8s.cni.cncf.io/resourceName': { string: resource }, numaNode: { int: 0 } },
})

function putSlice(
  name: string,
  devices: readonly object[],
  change: { generation?: number; nodeName?: string; driver?: string } = {},
): void {
  const { generation = 1, nodeName = 'node-a', driver = 'sriov.example' } = change
  api.put(resourceSlices, { metadata: { name }, spec: { nodeName, driver, pool: { name: 'pool-a', generation }, devices } })
}

function putClaim(name: string, ...devices: readonly string[]): void {
  const results = devices.map((device) => ({ request: 'vf', driver: 'sriov.example', pool: 'pool-a', device }))
  api.put(resourceClaims, { metadata: { namespace: 'shop', name }, status: { allocation: { devices: { results } } } })
}

function putPod(spec: object, status: object = {}): void {
  const { metadata } = api.put(claimingPods, { metadata: { namespace: 'shop', name: 'web' }, spec, status })
  pod = { namespace: 'shop', name: 'web', uid: metadata.uid ?? '' }
}

describe('the devices of resource claims', () => {
  it('are those of claims made from templates and of claims that the pod names, sorted', async () => {
    putClaim('web-vf-x7', 'dev-0')
    putClaim('shared', 'dev-1')
    putPod(
      {
        resourceClaims: [
          { name: 'vf', resourceClaimTemplateName: 't' },
          { name: 'own', resourceClaimName: 'shared' },
        ],
      },
      { resourceClaimStatuses: [{ name: 'vf', resourceClaimName: 'web-vf-x7' }, { name: 'unused' }] },
    )
    expect(await claimed.find(pod, never)).toEqual(new Map([[VF, ['0000:18:02.1', '0000:18:02.7']]]))
    const lists = api.requests.filter(({ path }) => path.endsWith('resourceslices'))
    expect(lists.map(({ query }) => query.get('fieldSelector'))).toEqual(['spec.nodeName=node-a,spec.driver=sriov.example'])
  })

  it.each([
    ['a pod without claims', () => putPod({})],
    [
      'another pod of the same name',
      () => {
        putClaim('shared', 'dev-0')
        putPod({ resourceClaims: [{ name: 'a', resourceClaimName: 'shared' }] })
        pod = { ...pod, uid: 'another' }
      },
    ],
    ['no such pod', () => undefined],
    [
      'a claim that is not allocated',
      () => {
        api.put(resourceClaims, { metadata: { namespace: 'shop', name: 'shared' } })
        putPod({ resourceClaims: [{ name: 'a', resourceClaimName: 'shared' }] })
      },
    ],
    [
      'a claim of a device that is none for networks',
      () => {
        putClaim('shared', 'gpu-0')
        putPod({ resourceClaims: [{ name: 'a', resourceClaimName: 'shared' }] })
      },
    ],
  ])('are none for %s', async (_, prepare) => {
    prepare()
    expect(await claimed.find(pod, never)).toEqual(new Map())
  })

  it('are as the newest generation of their pool says, on this node', async () => {
    putSlice('slice-2', [device('dev-0', '0000:99:00.0')], { generation: 2 })
    putSlice('elsewhere', [device('dev-0', '0000:ee:00.0')], { generation: 3, nodeName: 'node-b' })
    putClaim('shared', 'dev-0')
    putPod({ resourceClaims: [{ name: 'a', resourceClaimName: 'shared' }] })
    expect(await claimed.find(pod, never)).toEqual(new Map([[VF, ['0000:99:00.0']]]))
  })

  it('of an extended resource count as well, and must say what they are', async () => {
    putClaim('ext', 'dev-1')
    putPod({}, { extendedResourceClaimStatus: { resourceClaimName: 'ext', requestMappings: [] } })
    expect(await claimed.find(pod, never)).toEqual(new Map([[VF, ['0000:18:02.1']]]))
    putClaim('ext', 'gpu-0')
    await expect(claimed.find(pod, never)).rejects.toMatchObject({
      code: 'DeviceMissing',
      message: expect.stringMatching(/device pool-a\/gpu-0 of resource claim shop\/ext.*driver sriov.example must publish/),
    })
  })

  it.each([
    [
      'the API server refuses',
      () => api.fault({ path: /resourceclaims/ }, { kind: 'answer', status: 403 }),
      /shop\/web failed: get resourceclaims shop\/shared.*403/,
    ],
    [
      'the claim is gone',
      () => void api.objects.delete(resourceClaims, { namespace: 'shop', name: 'shared' }),
      /claim shop\/shared of pod web does not exist/,
    ],
  ])('are to be asked for again when %s', async (_, breakIt, sentence) => {
    putClaim('shared', 'dev-0')
    putPod({ resourceClaims: [{ name: 'a', resourceClaimName: 'shared' }] })
    breakIt()
    await expect(claimed.find(pod, never)).rejects.toMatchObject({ code: 'TryAgainLater', message: expect.stringMatching(sentence) })
  })
})
