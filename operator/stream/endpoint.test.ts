import { fakeLog } from '#kube/process/log.fake'
import { type Cluster, NAMESPACE, openCluster, services, slices } from '../testing/cluster.ts'
import { addressText, publishEndpoint } from './endpoint.ts'

let cluster: Cluster
beforeEach(async () => {
  cluster = await openCluster()
})
afterEach(() => cluster.close())

const publish = (podIp: string, log = fakeLog()): Promise<void> =>
  publishEndpoint({
    client: cluster.client,
    namespace: NAMESPACE,
    service: 'plexus-stream',
    podIp,
    port: 8444,
    log,
    signal: new AbortController().signal,
  })

describe('the address of the leader', () => {
  it('is the only endpoint of the Service, owned by it', async () => {
    await publish('10.0.0.1')
    await publish('10.0.0.2')
    const [slice, ...others] = cluster.api.objects.list(slices)
    expect(others).toEqual([])
    expect(slice).toMatchObject({
      metadata: {
        name: 'plexus-stream-ipv4',
        labels: { 'kubernetes.io/service-name': 'plexus-stream', 'endpointslice.kubernetes.io/managed-by': 'plexus' },
        ownerReferences: [
          {
            kind: 'Service',
            name: 'plexus-stream',
            uid: cluster.api.get(services, { namespace: NAMESPACE, name: 'plexus-stream' })?.metadata.uid,
          },
        ],
      },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.2'] }],
      ports: [{ name: 'stream', port: 8444, protocol: 'TCP' }],
    })
  })

  it('leaves nothing of the other family behind', async () => {
    await publish('10.0.0.1')
    await publish('fd00::1')
    expect(cluster.api.objects.list(slices).map(({ metadata }) => metadata.name)).toEqual(['plexus-stream-ipv6'])
  })

  it('is said to be in the Lease alone when there is no Service', async () => {
    cluster.api.objects.delete(services, { namespace: NAMESPACE, name: 'plexus-stream' })
    const log = fakeLog()
    await publish('10.0.0.1', log)
    expect(log.messages('warn')).toEqual(['the stream Service does not exist; agents must use the address in the Lease'])
    expect(cluster.api.objects.list(slices)).toEqual([])
  })

  it.each([
    ['10.0.0.1', '10.0.0.1:8444'],
    ['fd00::1', '[fd00::1]:8444'],
  ])('is written for %s as %s', (podIp, text) => {
    expect(addressText(podIp, 8444)).toBe(text)
  })
})
