// What every KubeClient must do, whichever API server is behind it: run against the fake one here and against the real one in e2e.
import { parseKubeObject } from './answers.ts'
import type { KubeClient, WatchEvent } from './client.ts'
import type { KubeObject, Resource } from './resource.ts'

/** A client and where it may write. `suffix` makes names unique. */
export interface ContractWorld {
  readonly client: KubeClient
  readonly namespace: string
  readonly suffix: string
}

type Loose = KubeObject & Readonly<Record<string, unknown>>
const core = { group: '', version: 'v1', namespaced: true, parse: parseKubeObject } as const
const configMaps: Resource<Loose> = { ...core, kind: 'ConfigMap', plural: 'configmaps' }
const pods: Resource<Loose> = { ...core, kind: 'Pod', plural: 'pods' }
const clusterRoles: Resource<Loose> = {
  ...core,
  group: 'rbac.authorization.k8s.io',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  namespaced: false,
}
const unknowns: Resource<Loose> = { ...core, group: 'nobody.example.org', kind: 'Unknown', plural: 'unknowns' }

/** Resources that a fake API server must know for this suite. */
export const contractResources = [configMaps, pods, clusterRoles]

/** Declares the suite; `world` is called inside the tests. */
export function clientContract(server: string, world: () => ContractWorld): void {
  let made = 0
  const fresh = (): { readonly name: string; readonly namespace: string } => {
    made += 1
    return { name: `contract-${made}-${world().suffix}`, namespace: world().namespace }
  }
  const make = (data: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>> = {}): Promise<Loose> =>
    world().client.create(configMaps, { metadata: { ...fresh(), labels }, data })
  const podOf = (metadata: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
    metadata,
    spec: { schedulerName: 'nobody', automountServiceAccountToken: false, containers: [{ name: 'none', image: 'none.invalid/none' }] },
  })

  describe(`client against ${server}`, () => {
    it('creates, reads and deletes an object; what is gone is undefined, and deleting it again is false', async () => {
      const { client } = world()
      const object = await make({ a: '1' })
      await expect(client.get(configMaps, object.metadata)).resolves.toMatchObject({
        kind: 'ConfigMap',
        apiVersion: 'v1',
        data: { a: '1' },
      })
      await expect(client.delete(configMaps, object.metadata, { uid: object.metadata.uid })).resolves.toBe(true)
      await expect(client.get(configMaps, object.metadata)).resolves.toBeUndefined()
      await expect(client.delete(configMaps, object.metadata)).resolves.toBe(false)
    })

    it('refuses to create an object twice', async () => {
      const { metadata } = await make({})
      const again = { metadata: { name: metadata.name, namespace: metadata.namespace } }
      await expect(world().client.create(configMaps, again)).rejects.toMatchObject({ status: 409, reason: 'AlreadyExists' })
    })

    it('refuses to replace an object that changed meanwhile', async () => {
      const { client } = world()
      const seen = await make({ a: '1' })
      await client.replace(configMaps, { ...seen, data: { a: '2' } })
      await expect(client.replace(configMaps, { ...seen, data: { a: '3' } })).rejects.toMatchObject({ status: 409, reason: 'Conflict' })
      await expect(client.get(configMaps, seen.metadata)).resolves.toMatchObject({ data: { a: '2' } })
    })

    it('merges a patch and removes what is null', async () => {
      const { metadata } = await make({ a: '1', b: '2' })
      const patched = await world().client.patch(configMaps, metadata, { patch: { type: 'merge', body: { data: { a: null, c: '3' } } } })
      expect(patched).toMatchObject({ data: { b: '2', c: '3' } })
      expect(patched['data']).not.toHaveProperty('a')
    })

    it('carries out a JSON patch, and refuses it when its test fails', async () => {
      const { client } = world()
      const annotations = { 'example.org/size': '1' }
      const { metadata } = await client.create(configMaps, { metadata: { ...fresh(), annotations } })
      const path = '/metadata/annotations/example.org~1size'
      const replace = { op: 'replace', path, value: '2' }
      const patch = (found: string) =>
        client.patch(configMaps, metadata, { patch: { type: 'json', body: [{ op: 'test', path, value: found }, replace] } })
      await expect(patch('1')).resolves.toMatchObject({ metadata: { annotations: { 'example.org/size': '2' } } })
      await expect(patch('1')).rejects.toMatchObject({ status: 422, reason: 'Invalid' })
    })

    it('applies an intent: creates, changes nothing the second time, removes what the intent no longer has', async () => {
      const { client } = world()
      const metadata = fresh()
      const apply = (data: Readonly<Record<string, string>>) => client.apply(configMaps, { metadata, data }, { fieldManager: 'one' })
      const first = await apply({ a: '1', b: '2' })
      const second = await apply({ a: '1', b: '2' })
      expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
      const third = await apply({ a: '1' })
      expect(third['data']).toEqual({ a: '1' })
    })

    it('tells which field belongs to another manager, and takes it only by force', async () => {
      const { client } = world()
      const metadata = fresh()
      await client.apply(configMaps, { metadata, data: { a: '1' } }, { fieldManager: 'one' })
      const other = (force: boolean) => client.apply(configMaps, { metadata, data: { a: '2' } }, { fieldManager: 'two', force })
      await expect(other(false)).rejects.toMatchObject({ status: 409, causes: [{ reason: 'FieldManagerConflict', field: '.data.a' }] })
      await expect(other(true)).resolves.toMatchObject({ data: { a: '2' } })
    })

    it('writes nothing in a dry run', async () => {
      const metadata = fresh()
      await world().client.create(configMaps, { metadata }, { dryRun: true })
      await expect(world().client.get(configMaps, metadata)).resolves.toBeUndefined()
    })

    it('patches a status and its annotations only for the uid that was meant', async () => {
      const { client } = world()
      const pod = await client.create(pods, podOf(fresh()))
      const patch = (uid: string | undefined) =>
        client.patch(pods, pod.metadata, {
          subresource: 'status',
          patch: { type: 'merge', body: { metadata: { uid, annotations: { 'example.org/seen': 'yes' } }, status: { message: 'seen' } } },
        })
      await expect(patch('00000000-0000-0000-0000-000000000000')).rejects.toMatchObject({
        status: 422,
        causes: expect.arrayContaining([expect.objectContaining({ field: 'metadata.uid' })]),
      })
      await expect(patch(pod.metadata.uid)).resolves.toMatchObject({
        metadata: { annotations: { 'example.org/seen': 'yes' } },
        status: { message: 'seen' },
      })
      await client.delete(pods, pod.metadata, { gracePeriodSeconds: 0 })
    })

    it('applies a status without touching the rest', async () => {
      const { client } = world()
      const pod = await client.create(pods, podOf(fresh()))
      const { name, namespace } = pod.metadata
      const condition = { type: 'example.org/Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }
      const intent = { metadata: { name, namespace }, status: { conditions: [condition] } }
      const applied = await client.apply(pods, intent, { fieldManager: 'one', subresource: 'status' })
      expect(applied).toMatchObject({ status: { conditions: expect.arrayContaining([expect.objectContaining(condition)]) } })
      expect(applied.metadata.generation).toBe(pod.metadata.generation)
      await client.delete(pods, pod.metadata, { gracePeriodSeconds: 0 })
    })

    it('does not delete an object with another uid', async () => {
      const { client } = world()
      const { metadata } = await make({})
      await expect(client.delete(configMaps, metadata, { uid: '00000000-0000-0000-0000-000000000000' })).rejects.toMatchObject({
        status: 409,
      })
      await expect(client.get(configMaps, metadata)).resolves.toBeDefined()
    })

    it('reaches objects whose names need escaping', async () => {
      const { client, suffix } = world()
      const name = `Contract:Role-${suffix}`
      await client.create(clusterRoles, { metadata: { name }, rules: [] })
      await expect(client.get(clusterRoles, { name })).resolves.toMatchObject({ metadata: { name } })
      await client.delete(clusterRoles, { name })
    })

    it('tells a resource that the server does not know from an object that does not exist', async () => {
      await expect(world().client.get(unknowns, { name: 'a', namespace: 'default' })).rejects.toMatchObject({ status: 404 })
    })

    it('lists what a selector covers, in the shape that single objects have', async () => {
      const { client, namespace, suffix } = world()
      await make({ a: '1' }, { list: suffix })
      await make({ a: '2' }, { list: suffix })
      const items: Loose[] = []
      for await (const page of client.list(configMaps, { namespace, labelSelector: `list=${suffix}` })) items.push(...page.items)
      expect(items).toEqual([
        expect.objectContaining({ kind: 'ConfigMap', apiVersion: 'v1', data: { a: '1' } }),
        expect.objectContaining({ kind: 'ConfigMap', apiVersion: 'v1', data: { a: '2' } }),
      ])
    })

    it('streams the present state, its end, and what happens afterwards', async () => {
      const { client, namespace, suffix } = world()
      const labels = { watch: suffix }
      const first = await make({ a: '1' }, labels)
      const ending = new AbortController()
      const events = await client.watch(configMaps, {
        namespace,
        labelSelector: `watch=${suffix}`,
        sendInitialEvents: true,
        timeoutSeconds: 60,
        signal: ending.signal,
      })
      const seen = collectUntil(events, 'DELETED')
      await client.patch(configMaps, first.metadata, { patch: { type: 'merge', body: { data: { a: '2' } } } })
      await client.delete(configMaps, first.metadata)
      expect(await seen).toEqual(['ADDED', 'BOOKMARK end', 'MODIFIED', 'DELETED'])
      ending.abort()
    })
  })
}

/** Names of the events up to the first of a type; later bookmarks come when the server likes. */
async function collectUntil(events: AsyncIterable<WatchEvent>, last: WatchEvent['type']): Promise<readonly string[]> {
  const names: string[] = []
  for await (const event of events) {
    if (event.type !== 'BOOKMARK') names.push(event.type)
    else if (event.initialEventsEnd) names.push('BOOKMARK end')
    if (event.type === last) break
  }
  return names
}
