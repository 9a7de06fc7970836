import { getEventListeners } from 'node:events'
import { clientContract, contractResources } from './client.contract.ts'
import type { KubeClient, RequestSeen } from './client.ts'
import type { Resource } from './resource.ts'
import { connect } from './testing/connect.ts'
import type { FakeApiServer } from './testing/fake-apiserver.ts'
import { openFakeApiServer } from './testing/fake-apiserver.ts'
import { configMaps, namespaces, pods, tokenReviews } from './testing/resources.ts'
import { until } from './testing/until.ts'

let server: FakeApiServer
let client: KubeClient
let seen: RequestSeen[]

beforeEach(async () => {
  server = await openFakeApiServer({
    resources: [...contractResources, namespaces, tokenReviews],
    reviews: { tokenreviews: () => ({ status: { authenticated: true, user: { username: 'system:node' } } }) },
  })
  seen = []
  client = connect({ url: server.url, onRequest: (request) => seen.push(request) })
})

afterEach(async () => {
  await client.close()
  await server.close()
})

clientContract('a fake API server', () => ({ client, namespace: 'default', suffix: 'fake' }))

const map = { name: 'a', namespace: 'default' }

describe('http client', () => {
  it('sends 3,000 requests one after the other over one connection', async () => {
    server.put(configMaps, { metadata: map })
    for (let count = 0; count < 3000; count += 1) await client.get(configMaps, map)
    expect(server.requests).toHaveLength(3000)
    expect(server.connections().total).toBeLessThanOrEqual(2)
  })

  it('opens at most eight connections for a hundred requests at once', async () => {
    server.put(configMaps, { metadata: map })
    await Promise.all(Array.from({ length: 100 }, () => client.get(configMaps, map)))
    expect(server.connections().total).toBeLessThanOrEqual(8)
  })

  it('lists 1,201 objects in pages of 500 and yields each once', async () => {
    for (let count = 0; count < 1201; count += 1) server.put(configMaps, { metadata: { ...map, name: `m${count}` } })
    const sizes: number[] = []
    const names = new Set<string>()
    for await (const page of client.list(configMaps)) {
      sizes.push(page.items.length)
      for (const item of page.items) names.add(item.metadata.name)
    }
    expect(sizes).toEqual([500, 500, 201])
    expect(names.size).toBe(1201)
  })

  it('gives an empty page for a list whose items are null', async () => {
    const pages: number[] = []
    for await (const page of client.list(pods, { namespace: 'default' })) pages.push(page.items.length)
    expect(pages).toEqual([0])
  })

  it('answers a review, which has no name', async () => {
    const review = await client.create(tokenReviews, { spec: { token: 'a', audiences: ['b'] } })
    expect(review).toMatchObject({ status: { authenticated: true } })
  })

  it('says which field a parser misses', async () => {
    const strict: Resource<string> = {
      ...configMaps,
      parse: () => {
        throw new Error('data.size is missing')
      },
    }
    server.put(configMaps, { metadata: map })
    await expect(client.get(strict, map)).rejects.toMatchObject({
      reason: 'Malformed',
      message: 'get configmaps default/a got an answer that cannot be used: data.size is missing',
    })
  })

  it("is forgotten by a caller's signal when a call is over", async () => {
    const ending = new AbortController()
    await client.get(configMaps, map, { signal: ending.signal })
    expect(getEventListeners(ending.signal, 'abort')).toEqual([])
  })

  it('counts every request with verb, resource and answer', async () => {
    await client.get(namespaces, { name: 'nowhere' })
    await client.create(configMaps, { metadata: map })
    expect(seen.map(({ verb, resource, code }) => `${verb} ${resource} ${code}`)).toEqual(['get namespaces 404', 'create configmaps 201'])
  })

  it('ends the connection of a watch that is no longer wanted', async () => {
    const ending = new AbortController()
    const stream = await client.watch(configMaps, { timeoutSeconds: 60, signal: ending.signal })
    const reading = (async () => {
      for await (const _ of stream) continue
    })()
    await until('the watch is open', () => server.watches().length === 1)
    ending.abort(new Error('enough'))
    await expect(reading).rejects.toThrow('enough')
    expect(getEventListeners(ending.signal, 'abort')).toEqual([])
    await until('the watch is closed', () => server.watches().length === 0 && server.connections().open === 0)
  })
})
