import type { KubeClient } from '#kube/client'
import { fakeLog } from '#kube/process/log.fake'
import { systemClock } from '#kube/process/system-clock'
import { connect } from '#kube/testing/connect'
import { type FakeApiServer, openFakeApiServer } from '#kube/testing/fake-apiserver'
import { openOwnPods, type OwnPods } from './own-pods.ts'
import { pods } from './pod.ts'

const signal = new AbortController().signal
let api: FakeApiServer
let client: KubeClient
let own: OwnPods
beforeEach(async () => {
  api = await openFakeApiServer({ resources: [pods] })
  client = connect({ url: api.url })
  put('web', 'uid-1', 'node-a')
  put('far', 'uid-2', 'node-b')
  own = openOwnPods({ client, nodeName: 'node-a', clock: systemClock(), random: () => 0, log: fakeLog() })
  await own.synced(signal)
})
afterEach(async () => {
  await own.stop()
  await client.close()
  await api.close()
})

function put(name: string, uid: string, nodeName: string): void {
  const annotations = { 'k8s.v1.cni.cncf.io/networks': 'a', 'kubectl.kubernetes.io/last-applied-configuration': 'long' }
  api.put(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'shop', name, uid, annotations }, spec: { nodeName } })
}
const gets = (): number => api.requests.filter(({ method, query }) => method === 'GET' && !query.has('watch')).length

describe('pods of the own node', () => {
  it('are known without a call, slimmed to what asks for networks', async () => {
    const found = await own.find({ namespace: 'shop', name: 'web', uid: 'uid-1' }, signal)
    expect([found?.metadata.annotations, gets()]).toEqual([{ 'k8s.v1.cni.cncf.io/networks': 'a' }, 0])
    expect(own.list().map(({ metadata }) => metadata.name)).toEqual(['web'])
  })

  it('are read once when the reflector has not seen them', async () => {
    expect(await own.find({ namespace: 'shop', name: 'far', uid: 'uid-2' }, signal)).toMatchObject({ metadata: { name: 'far' } })
    expect(gets()).toBe(1)
  })

  it.each([
    ['another incarnation of the name', { namespace: 'shop', name: 'web', uid: 'uid-9' }],
    ['a pod that does not exist', { namespace: 'shop', name: 'none', uid: '' }],
  ])('do not include %s', async (_, ref) => {
    expect(await own.find(ref, signal)).toBeUndefined()
  })
})
