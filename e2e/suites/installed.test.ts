import { join } from 'node:path'
import type { Cluster } from '#cluster/cluster'
import { patchAsAgent } from '../world/as-agent.ts'
import { apply, podRuns, removePod } from '../world/kube.ts'
import { pod } from '../world/objects.ts'
import { NAMESPACE } from '../world/plexus.ts'
import { identity, openWorld } from './world.ts'

const SHARED = 'network-attachment-definitions.k8s.cni.cncf.io'
const { checkout } = identity().place
let cluster: Cluster
let nodes: readonly [string, string]

beforeAll(async () => {
  const world = await openWorld()
  cluster = world.cluster
  nodes = [world.first.name, world.second.name]
})

/** What the API server says to an object without storing it: '' when it takes it, else its sentence. */
async function verdict(manifest: unknown): Promise<string> {
  return cluster
    .kubectl(['create', '--dry-run=server', '--validate=false', '-o', 'name', '-f', '-'], { input: JSON.stringify(manifest) })
    .then(
      () => '',
      (error: unknown) => String(error),
    )
}

describe('the kinds on a real API server', () => {
  it('are structural and established', async () => {
    const output = '-o=jsonpath={range .items[*]}{.metadata.name}{range .status.conditions[*]} {.type}={.status}{end}{"\\n"}{end}'
    const crds = (await cluster.kubectl(['get', 'crd', output])).trim().split('\n')
    const ours = crds.filter((line) => line.startsWith(SHARED) || line.includes('.plexus.dev'))
    expect(ours).toHaveLength(3)
    for (const line of ours) {
      expect(line).toContain('Established=True')
      expect(line).not.toContain('NonStructuralSchema')
    }
  })

  it('are the same in crds/ and on the server', async () => {
    const words = ['apply', '--server-side', '--force-conflicts', '--dry-run=server', '-f', join(checkout, 'crds'), '-o', 'json']
    const dry = await cluster.kubectl(words)
    const live = await cluster.kubectl(['get', '-o', 'json', '-f', join(checkout, 'crds')])
    const specs = (text: string): readonly unknown[] => {
      const list: { readonly items: readonly { readonly metadata: { readonly name: string }; readonly spec: unknown }[] } = JSON.parse(text)
      return list.items.map(({ metadata, spec }) => [metadata.name, spec])
    }
    expect(specs(dry)).toEqual(specs(live))
  })

  it('show TYPE IPAM READY NODES PODS AGE by each name of the kind', async () => {
    const headers = async (...words: readonly string[]): Promise<string> => {
      const table = await cluster.kubectl(['get', ...words, '-A', '--show-kind=false'])
      return table.split('\n', 1)[0]?.replaceAll(/\s+/g, ' ').trim() ?? ''
    }
    await cluster.kubectl(['apply', '-f', '-'], {
      input: JSON.stringify(nad('columns', { config: '{"cniVersion":"1.0.0","name":"c","type":"ptp"}' })),
    })
    for (const name of ['net-attach-def', 'nad', 'network-attachment-definitions'])
      expect(await headers(name)).toBe('NAMESPACE NAME TYPE IPAM READY NODES PODS AGE')
    expect(await headers('nad', '-o', 'wide')).toBe('NAMESPACE NAME TYPE IPAM READY NODES PODS AGE REASON MESSAGE CNIVERSION')
    expect(await cluster.kubectl(['get', 'multinet', '-A', '-o', 'name'])).toContain('/columns')
    await cluster.kubectl(['delete', 'nad', 'columns'])
  })

  it.each([
    ['no spec', undefined],
    ['an empty spec', {}],
    ['an empty config', { config: '' }],
    ['a config that is no JSON', { config: '{' }],
    ['fields of the future', { config: '{}', future: { deep: [1] } }],
  ])('take a NetworkAttachmentDefinition with %s, as upstream does', async (_, spec) => {
    expect(await verdict(nad('like-upstream', spec))).toBe('')
  })

  it.each([
    ['an unknown word', { state: 'Gone' }, 'spec.state: Unsupported value: "Gone"'],
    ['a relative directory', { extraBinDirs: ['bin'] }, 'spec.extraBinDirs[0]'],
    ['a conf that no runtime reads', { conf: { name: 'plexus.txt' } }, 'spec.conf.name'],
    ['a priority beyond all bounds', { priority: 1e9 }, 'spec.priority'],
  ])('refuse a profile with %s and name the field', async (_, spec, sentence) => {
    const profile = { apiVersion: 'plexus.dev/v1alpha1', kind: 'NodeNetworkProfile', metadata: { name: 'wrong' }, spec }
    expect(await verdict(profile)).toContain(sentence)
  })

  it('survive an upgrade of the release that brought them', async () => {
    const uid = async (): Promise<string> => cluster.kubectl(['get', 'crd', SHARED, '-o=jsonpath={.metadata.uid}'])
    const before = await uid()
    const words = ['upgrade', 'plexus', join(checkout, 'charts/plexus'), '--namespace', NAMESPACE, '--reuse-values']
    await cluster.helm(words, { deadline: 120_000 })
    expect(await uid()).toBe(before)
    expect(await cluster.helm(['get', 'manifest', 'plexus', '--namespace', NAMESPACE])).toContain(`name: ${SHARED}`)
  })
})

const nad = (name: string, spec: unknown): unknown => ({
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: { name, namespace: 'default' },
  spec,
})

describe('the agent of one node', () => {
  const STATUS = 'k8s.v1.cni.cncf.io/network-status'
  const podPath = (name: string): string => `/api/v1/namespaces/default/pods/${name}/status`
  const nodePath = (name: string): string => `/apis/plexus.dev/v1alpha1/nodenetworks/${name}`
  const [mine, other] = ['access-mine', 'access-other']

  beforeAll(async () => {
    await apply(cluster, pod({ name: mine, node: nodes[0] }), pod({ name: other, node: nodes[1] }))
    await Promise.all([podRuns(cluster, mine), podRuns(cluster, other)])
  })
  afterAll(async () => {
    await Promise.all([removePod(cluster, mine), removePod(cluster, other)])
  })

  it.each([
    ['the network-status of its own pods', podPath(mine), { metadata: { annotations: { [STATUS]: '[]' } } }],
    ['its own NodeNetwork', nodePath('first'), { metadata: { annotations: { 'test/seen': '1' } } }],
    ["its own NodeNetwork's status", `${nodePath('first')}/status`, { status: { agentVersion: 'test' } }],
  ])('may write %s', async (_, path, body) => {
    const patch = await patchAsAgent(cluster, nodes[0])
    expect(await patch(path.replace('/first', `/${nodes[0]}`), body)).toEqual({ status: 200, message: '' })
  })

  it.each([
    ['a pod of another node', podPath(other), { metadata: { annotations: { [STATUS]: '[]' } } }, 'pods of its own node'],
    ['another annotation', podPath(mine), { metadata: { annotations: { mine: 'x' } } }, 'only the network-status annotations'],
    ['labels', podPath(mine), { metadata: { labels: { app: 'x' } } }, 'labels or finalizers'],
    ['finalizers', podPath(mine), { metadata: { finalizers: ['a.b/c'] } }, 'labels or finalizers'],
    ['the phase', podPath(mine), { status: { phase: 'Failed' } }, 'may not change the status'],
    ['a pod itself', `/api/v1/namespaces/default/pods/${mine}`, { metadata: { labels: { app: 'x' } } }, 'cannot patch resource "pods"'],
    ['the NodeNetwork of another node', nodePath('second'), { metadata: { labels: { a: 'b' } } }, 'of its own node'],
    ["another NodeNetwork's status", `${nodePath('second')}/status`, { status: { agentVersion: 'x' } }, 'of its own node'],
    ['a network', '/apis/k8s.cni.cncf.io/v1/namespaces/default/network-attachment-definitions/x', {}, 'cannot patch resource'],
    ['a node', '/api/v1/nodes/first', { metadata: { labels: { a: 'b' } } }, 'cannot patch resource "nodes"'],
  ])('may not write %s', async (_, path, body, sentence) => {
    const patch = await patchAsAgent(cluster, nodes[0])
    const answer = await patch(path.replace('/first', `/${nodes[0]}`).replace('/second', `/${nodes[1]}`), body)
    expect(answer.message).toContain(sentence)
    expect([403, 422]).toContain(answer.status)
  })

  it('may write nothing with a token that is bound to no node', async () => {
    const patch = await patchAsAgent(cluster)
    expect((await patch(podPath(mine), { metadata: { annotations: { [STATUS]: '[]' } } })).message).toContain('its own node')
    expect((await patch(`${nodePath(nodes[0])}/status`, { status: { agentVersion: 'x' } })).message).toContain('its own node')
  })

  it('is held by rules that the API server finds no fault with', async () => {
    const output = '-o=jsonpath={range .items[*]}{.metadata.name} {.status.typeChecking.expressionWarnings}{"\\n"}{end}'
    const policies = await cluster.kubectl(['get', 'validatingadmissionpolicy', output])
    expect(
      policies
        .trim()
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual(['plexus-node-agent-own-node', 'plexus-node-agent-own-pods'])
  })
})
