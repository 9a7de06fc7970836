import nock from 'nock'
import type { KubeClient } from './client.ts'
import { openHttpClient } from './http-client.ts'
import { fakeLog } from './process/log.fake.ts'
import { systemClock } from './process/system-clock.ts'
import { configMaps, namespaces } from './testing/resources.ts'
import { openTransport } from './transport.ts'

const server = 'https://api.example:6443'
let client: KubeClient

beforeEach(() => {
  nock.disableNetConnect()
  const credentials = {
    server: `${server}/k8s/clusters/c1/`,
    authorize: async () => ({ tls: {}, headers: { authorization: 'Bearer abc' } }),
    forget: () => undefined,
  }
  client = openHttpClient(openTransport({ credentials, clock: systemClock(), random: () => 0, log: fakeLog(), userAgent: 'shape/1' }))
})

afterEach(async () => {
  await client.close()
  nock.cleanAll()
  nock.enableNetConnect()
})

// nock patches Node's own http and net, which all test files of a worker share: sockets of later files would hang.
afterAll(() => nock.restore())

const map = { name: 'a', namespace: 'default' }
const answer = { metadata: map }
const path = '/k8s/clusters/c1/api/v1/namespaces/default/configmaps'
const scope = () => nock(server, { reqheaders: { authorization: 'Bearer abc', accept: 'application/json', 'user-agent': 'shape/1' } })

describe('request shape', () => {
  it('reads below the path prefix of the server, with authorization', async () => {
    scope().get(`${path}/a`).reply(200, answer)
    await expect(client.get(configMaps, map)).resolves.toMatchObject(answer)
    expect(nock.isDone()).toBe(true)
  })

  it('lists with a limit, selectors and the continue token', async () => {
    const query = { limit: '500', labelSelector: 'app=a b', fieldSelector: 'metadata.name=x' }
    scope()
      .get(path)
      .query(query)
      .reply(200, { metadata: { resourceVersion: '1', continue: 'next' }, items: [] })
    scope()
      .get(path)
      .query({ ...query, continue: 'next' })
      .reply(200, { metadata: { resourceVersion: '1' }, items: [] })
    let pages = 0
    for await (const _ of client.list(configMaps, { namespace: 'default', labelSelector: 'app=a b', fieldSelector: 'metadata.name=x' }))
      pages += 1
    expect(pages).toBe(2)
  })

  it.each([
    ['merge', { a: null }, 'application/merge-patch+json'],
    ['strategic', { a: 1 }, 'application/strategic-merge-patch+json'],
  ] as const)('sends a %s patch with its own content type', async (type, body, contentType) => {
    scope().patch(`${path}/a/status`, body).query({ fieldManager: 'one' }).matchHeader('content-type', contentType).reply(200, answer)
    await client.patch(configMaps, map, { patch: { type, body }, fieldManager: 'one', subresource: 'status' })
    expect(nock.isDone()).toBe(true)
  })

  it('sends a JSON patch with its own content type', async () => {
    const body = [{ op: 'test', path: '/a', value: 1 }]
    scope().patch(`${path}/a`, body).matchHeader('content-type', 'application/json-patch+json').reply(200, answer)
    await client.patch(configMaps, map, { patch: { type: 'json', body } })
    expect(nock.isDone()).toBe(true)
  })

  it('applies with manager, force, apiVersion and kind', async () => {
    scope()
      .patch(`${path}/a`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: map })
      .query({ fieldManager: 'one', force: 'true' })
      .matchHeader('content-type', 'application/apply-patch+yaml')
      .reply(200, answer)
    await client.apply(configMaps, { metadata: map }, { fieldManager: 'one', force: true })
    expect(nock.isDone()).toBe(true)
  })

  it('deletes with preconditions', async () => {
    const body = {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      preconditions: { uid: 'u1' },
      gracePeriodSeconds: 0,
      propagationPolicy: 'Background',
    }
    scope().delete(`${path}/a`, body).reply(200, {})
    await client.delete(configMaps, map, { uid: 'u1', gracePeriodSeconds: 0, propagationPolicy: 'Background' })
    expect(nock.isDone()).toBe(true)
  })

  it('creates below a subresource, and cluster-scoped objects without a namespace', async () => {
    scope().post(`${path}/a/binding`).reply(201, answer)
    scope()
      .post('/k8s/clusters/c1/api/v1/namespaces')
      .query({ dryRun: 'All' })
      .reply(201, { metadata: { name: 'n' } })
    await client.create(configMaps, { metadata: map }, { subresource: 'binding' })
    await client.create(namespaces, { metadata: { name: 'n' } }, { dryRun: true })
    expect(nock.isDone()).toBe(true)
  })

  it('maps a refusal to an error with reason, causes and wait', async () => {
    const details = { causes: [{ field: 'data', reason: 'FieldValueInvalid', message: 'bad' }], retryAfterSeconds: 2 }
    scope().post(path).reply(422, { kind: 'Status', code: 422, reason: 'Invalid', message: 'bad', details })
    await expect(client.create(configMaps, { metadata: map })).rejects.toMatchObject({
      name: 'KubeError',
      status: 422,
      reason: 'Invalid',
      causes: details.causes,
      retryAfterMs: 2000,
      message: 'create configmaps default/a was refused with 422 Invalid: bad',
    })
  })
})
