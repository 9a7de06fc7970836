import type { Cluster } from '#cluster/cluster'
import type { Node } from '#cluster/node/node'
import { apply, condition, eventSeen, nodesColumn, podRuns, read, removePod } from '../world/kube.ts'
import { macvlan, network, pod } from '../world/objects.ts'
import { installPassing } from '../world/test-plugins.ts'
import { openWorld } from './world.ts'

describe('bad input is reported with field, value and remedy, and hurts nobody else', () => {
  let cluster: Cluster
  let first: Node
  let second: Node

  beforeAll(async () => {
    ;({ cluster, first, second } = await openWorld())
    for (const node of [first, second]) await node.files.remove('/opt/cni/bin/plexus-e2e-only')
    await cluster.kubectl(['label', 'nodes', '--all', 'test/uplink-'])
    await apply(cluster, network({ name: 'good', config: macvlan('good', '10.61.1') }))
  })

  afterAll(async () => {
    await cluster.kubectl(['delete', 'net-attach-def', '--all', '--wait=false'])
  })

  it.each([
    ['broken-json', '{"type":', /spec\.config.*not valid JSON.*write/],
    ['path-type', '{"type":"../sh"}', /type.*"\.\.\/sh".*use/],
    ['multus-type', '{"type":"multus"}', /type.*"multus"/],
    ['polluted', '{"type":"macvlan","__proto__":{"x":1}}', /__proto__/],
    ['wrong-ipam', '{"type":"macvlan","ipam":{"type":"../host-local"}}', /ipam\.type.*"\.\.\/host-local"/],
    ['duplicate-key', '{"type":"macvlan","type":"bridge"}', /type.*twice|duplicate.*type/i],
    ['huge-number', '{"type":"macvlan","mtu":9007199254740993}', /mtu/],
  ])('a network with %s is not ready, says why, and keeps the message in an event', async (name, config, sentence) => {
    await apply(cluster, network({ name, config }))
    const message = await condition(cluster, `net-attach-def/${name}`, { type: 'Ready', status: 'False', reason: 'InvalidConfig' })
    expect(message).toMatch(sentence)
    await condition(cluster, `net-attach-def/${name}`, { type: 'Stalled', status: 'True' })
    expect(await eventSeen(cluster, name, /Warning InvalidConfig/)).toMatch(sentence)
  })

  it('a config of 1 MB is refused with its size', async () => {
    const config = JSON.stringify({ type: 'macvlan', note: 'x'.repeat(1_100_000) })
    await expect(
      cluster
        .kubectl(['create', '-f', '-'], { input: JSON.stringify(network({ name: 'huge', config })) })
        .then(() => condition(cluster, 'net-attach-def/huge', { type: 'Ready', status: 'False' })),
    ).resolves.toMatch(/spec\.config.*(bytes|MiB|size)/)
  })

  it('a plugin that one node lacks: the node is named, the other node serves, and it heals', async () => {
    await apply(cluster, network({ name: 'lacking', config: { cniVersion: '1.0.0', type: 'plexus-e2e-only' } }))
    await installPassing(first, 'plexus-e2e-only')
    await nodesColumn(cluster, 'lacking', '1/2', 90_000)
    const message = await condition(cluster, 'net-attach-def/lacking', { type: 'Ready', status: 'False' })
    expect(message).toMatch(new RegExp(`plexus-e2e-only.*${second.name}`))
    await installPassing(second, 'plexus-e2e-only')
    await nodesColumn(cluster, 'lacking', '2/2', 90_000)
  })

  it('a placeholder that one node lacks: the node and the value are named', async () => {
    await cluster.kubectl(['label', 'node', first.name, 'test/uplink=eth1', '--overwrite'])
    await apply(
      cluster,
      network({ name: 'placeholder', config: { ...macvlan('placeholder', '10.61.2'), master: "${node.labels['test/uplink']}" } }),
    )
    const message = await condition(cluster, 'net-attach-def/placeholder', { type: 'Ready', status: 'False', reason: 'MissingValue' })
    expect(message).toContain(second.name)
    expect(message).toContain("node.labels['test/uplink']")
    await nodesColumn(cluster, 'placeholder', '1/2')
    await cluster.kubectl(['label', 'node', second.name, 'test/uplink=eth1'])
    await nodesColumn(cluster, 'placeholder', '2/2')
  })

  it('a pod naming a missing network waits with a sentence and starts when the network appears', async () => {
    await apply(cluster, pod({ name: 'early', node: first.name, networks: 'comes-later' }))
    const message = await eventSeen(cluster, 'early', /comes-later/)
    expect(message).toMatch(/default\/comes-later|comes-later.*default/)
    await apply(cluster, network({ name: 'comes-later', config: macvlan('comes-later', '10.61.3') }))
    await podRuns(cluster, 'early', { deadline: 90_000 })
    await removePod(cluster, 'early')
  })

  it('a pod with a broken annotation is told key, element and remedy', async () => {
    await apply(cluster, pod({ name: 'typo', node: first.name, networks: '[{"name":"good","ips":"10.61.1.5"}]' }))
    expect(await eventSeen(cluster, 'typo', /k8s\.v1\.cni\.cncf\.io\/networks/)).toMatch(/ips/)
    await removePod(cluster, 'typo')
  })

  it('other networks were ready all the time', async () => {
    await nodesColumn(cluster, 'good', '2/2')
    expect((await read(cluster, 'net-attach-def', 'good'))?.status?.conditions?.find((entry) => entry.type === 'Ready')?.status).toBe(
      'True',
    )
  })
})
