import { fakeLog } from '#kube/process/log.fake'
import { caOf, type Cluster, configMaps, NAMESPACE, openCluster, record, secrets } from '../testing/cluster.ts'
import { openAuthorityStore, STREAM_CA } from './authority-store.ts'

const now = new Date()
const later = new Date(now.getTime() + 2.5 * 365 * 86_400_000)
const name = { namespace: NAMESPACE, name: STREAM_CA }
const never = new AbortController().signal

let cluster: Cluster
beforeEach(async () => {
  cluster = await openCluster()
})
afterEach(() => cluster.close())

const open = () => openAuthorityStore({ client: cluster.client, namespace: NAMESPACE, log: fakeLog() })

describe('the store of the stream CA', () => {
  it('creates it once and tells agents to trust it; a second look writes nothing', async () => {
    const store = open()
    const authority = await store.ensure(now, never)
    expect(caOf(cluster)).toBe(authority.cert)
    const writes = cluster.writes()
    expect(writes).toHaveLength(2)
    expect(await store.ensure(now, never)).toEqual(authority)
    expect(cluster.writes()).toEqual(writes)
  })

  it('gives all replicas one CA even when they start together', async () => {
    const [one, two, three] = await Promise.all([open().ensure(now, never), open().ensure(now, never), open().ensure(now, never)])
    expect(one).toEqual(two)
    expect(two).toEqual(three)
    expect(caOf(cluster)).toBe(one.cert)
  })

  it('rotates it at two thirds of its life, and agents trust both meanwhile', async () => {
    const before = await open().ensure(now, never)
    const after = await open().ensure(later, never)
    expect(after.cert).not.toBe(before.cert)
    const bundle = String(record(cluster.api.get(configMaps, name)?.['data'])['ca.crt'])
    expect(bundle).toBe(`${after.cert}${before.cert}`)
  })

  it('replaces a damaged one', async () => {
    const before = await open().ensure(now, never)
    cluster.api.put(secrets, { metadata: name, data: { 'ca.crt': 'AAAA', 'ca.key': 'AAAA' } })
    const after = await open().ensure(now, never)
    expect(after.cert).not.toBe(before.cert)
    expect(caOf(cluster)).toBe(after.cert)
  })

  it('repairs what agents trust', async () => {
    const { cert } = await open().ensure(now, never)
    cluster.api.put(configMaps, { metadata: name, data: { 'ca.crt': 'somebody else' } })
    await open().ensure(now, never)
    expect(caOf(cluster)).toBe(cert)
  })
})
