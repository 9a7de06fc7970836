import type { Cluster } from '#cluster/cluster'
import type { Node } from '#cluster/node/node'
import { holds, waitFor } from '#cluster/wait-for'
import { apply, nodesColumn, podRuns, removePod } from '../world/kube.ts'
import { type Footprint, footprint, nothingLeft } from '../world/leaks.ts'
import { macvlan, network, pod } from '../world/objects.ts'
import { renewAgent } from '../world/plexus-processes.ts'
import { asking, callShim, recordOf, records } from '../world/shim.ts'
import { installRecorder, type Recorder } from '../world/test-plugins.ts'
import { openWorld } from './world.ts'

const SUBNET = '10.64.1'

describe('CHECK, DEL and GC of every network', () => {
  let cluster: Cluster
  let first: Node
  let recorder: Recorder
  let before: Footprint

  beforeAll(async () => {
    const world = await openWorld()
    ;({ cluster, first } = world)
    await installRecorder(world.second, 'verbs')
    recorder = await installRecorder(first, 'verbs')
    const config = { cniVersion: '1.1.0', name: 'verbs', plugins: [macvlan('verbs', SUBNET), { type: recorder.type }] }
    await apply(cluster, network({ name: 'verbs', config }))
    await nodesColumn(cluster, 'verbs', '2/2')
  })

  beforeEach(async () => {
    before = await footprint(first)
  })

  const runPod = async (name: string): Promise<void> => {
    await apply(cluster, pod({ name, node: first.name, networks: 'verbs' }))
    await podRuns(cluster, name)
  }
  const inPod = (netns: string, ...words: readonly string[]): Promise<string> => first.run(['nsenter', `--net=${netns}`, 'ip', ...words])
  const addresses = async (name: string): Promise<readonly string[]> =>
    (await first.files.list(`/var/lib/cni/networks/${name}`)).filter((file) => /^[0-9.]+$/.test(file))
  const stateOf = async (containerId: string): Promise<string> =>
    (await records(first)).find((record) => record.containerId === containerId)?.state ?? 'no record'

  /** A sandbox that no pod and no runtime knows. */
  const makeOrphan = async (name: string): Promise<{ readonly containerId: string; readonly netns: string }> => {
    const netns = `/run/netns/${name}`
    const containerId = `${name}-1`
    await first.attempt(['ip', 'netns', 'delete', name])
    await first.run(['ip', 'netns', 'add', name])
    const added = await callShim(first, { verb: 'ADD', containerId, netns, pod: name, more: asking('default/verbs') })
    expect(added).toMatchObject({ code: 0 })
    return { containerId, netns }
  }

  it('CHECK compares the kernel with the record, and asks the plugins of every network', async () => {
    await runPod('checked')
    const { containerId, netns } = await recordOf(first, 'checked')
    const check = () => callShim(first, { verb: 'CHECK', containerId, netns, pod: 'checked' })
    expect(await check()).toEqual({ code: 0, out: {} })
    expect(await recorder.calls()).toContain(`CHECK ${containerId} net1 `)
    const shown: readonly { readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[] }[] = JSON.parse(
      await inPod(netns, '-4', '-j', 'address', 'show', 'net1'),
    )
    const [address] = shown[0]?.addr_info ?? []
    const cidr = `${address?.local}/${address?.prefixlen}`
    await inPod(netns, 'address', 'del', cidr, 'dev', 'net1')
    expect(await check()).toMatchObject({ code: 1, out: { code: 100, msg: expect.stringContaining(`net1 has lost the address ${cidr}`) } })
    await inPod(netns, 'address', 'add', cidr, 'dev', 'net1')
    expect(await check()).toEqual({ code: 0, out: {} })
    await inPod(netns, 'link', 'delete', 'net1')
    expect(await check()).toMatchObject({
      code: 1,
      out: { code: 100, msg: expect.stringContaining('interface net1 is missing in the pod') },
    })
    await removePod(cluster, 'checked')
    await nothingLeft(first, before)
    expect(await check()).toMatchObject({ code: 1, out: { code: 3 } })
  })

  it('a pod whose record was corrupted is deleted with all its networks', async () => {
    await runPod('corrupted')
    const { containerId } = await recordOf(first, 'corrupted')
    await first.files.write(`/var/lib/plexus/sandboxes/${containerId}.json`, '{"version":1,"containerId":"')
    await removePod(cluster, 'corrupted')
    await waitFor('the sandbox is a tombstone', async () => holds((await stateOf(containerId)) === 'gone', await stateOf(containerId)), {
      deadline: 60_000,
    })
    await nothingLeft(first, before)
  })

  it('a lost record of a running pod is made anew, and its deletion is whole', async () => {
    await runPod('lost')
    const { containerId } = await recordOf(first, 'lost')
    await first.files.remove(`/var/lib/plexus/sandboxes/${containerId}.json`)
    await waitFor('the record is there again', async () => holds((await stateOf(containerId)) === 'attached', await stateOf(containerId)), {
      deadline: 120_000,
    })
    expect((await recordOf(first, 'lost')).attachments).toMatchObject([{ ifName: 'eth0' }, { network: 'default/verbs', ifName: 'net1' }])
    await removePod(cluster, 'lost')
    await nothingLeft(first, before)
  })

  it('what a failing plugin keeps stays recorded, and the agent tries again until it is gone', async () => {
    await runPod('failing')
    const { containerId } = await recordOf(first, 'failing')
    await recorder.failDel(true)
    await removePod(cluster, 'failing')
    const left = async () => (await records(first)).find((record) => record.containerId === containerId)
    await waitFor(
      'the record says what is left',
      async () => holds((await left())?.lastError !== undefined, JSON.stringify(await left())),
      {
        deadline: 60_000,
      },
    )
    expect(await left()).toMatchObject({
      state: 'deleting',
      attachments: [{ network: 'default/verbs' }],
      lastError: `${recorder.type}: told to fail`,
    })
    await recorder.failDel(false)
    await nothingLeft(first, before, 120_000)
    expect(await stateOf(containerId)).toBe('gone')
  })

  it('ten DELs of one sandbox are one', async () => {
    const { containerId, netns } = await makeOrphan('verbs-ten')
    const codes: number[] = []
    for (let again = 0; again < 10; again += 1) {
      // oxlint-disable-next-line no-await-in-loop
      codes.push((await callShim(first, { verb: 'DEL', containerId, netns, pod: 'verbs-ten' })).code)
    }
    expect(codes).toEqual(Array.from({ length: 10 }, () => 0))
    await first.run(['ip', 'netns', 'delete', 'verbs-ten'])
    await nothingLeft(first, before)
  })

  it('a sandbox that Multus made is torn down from its caches', async () => {
    const containerId = 'multus0123456789'
    const netns = '/run/netns/verbs-multus'
    await first.attempt(['ip', 'netns', 'delete', 'verbs-multus'])
    await first.run(['ip', 'netns', 'add', 'verbs-multus'])
    // A conflist without cniVersion in the list of Multus, and the exact config in the results of libcni; a hot-plugged one in the results alone.
    const made = await Promise.all(
      ['net1', 'net2'].map(async (ifName, index) => {
        const conf = { ...macvlan(`multus-${ifName}`, `10.64.${index + 2}`), cniVersion: '0.3.1' }
        const env = [
          'CNI_COMMAND=ADD',
          `CNI_CONTAINERID=${containerId}`,
          `CNI_NETNS=${netns}`,
          `CNI_IFNAME=${ifName}`,
          'CNI_PATH=/opt/cni/bin',
        ]
        const result: unknown = JSON.parse(await first.run(['env', ...env, '/opt/cni/bin/macvlan'], { input: JSON.stringify(conf) }))
        return { conf, name: `multus-${ifName}`, ifName, result }
      }),
    )
    const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64')
    for (const { conf, name, ifName, result } of made) {
      const entry = { kind: 'cniCacheV1', containerId, config: base64(conf), ifName, networkName: name, netns, result }
      // oxlint-disable-next-line no-await-in-loop
      await first.files.write(`/var/lib/cni/multus/results/${name}-${containerId}-${ifName}`, JSON.stringify(entry))
    }
    const list = { name: 'multus-net1', plugins: [{ type: 'macvlan' }] }
    const delegates = [{ Name: 'default/multus-net1', ifnameRequest: 'net1', Bytes: base64(list), ConfList: list }]
    await first.files.write(`/var/lib/cni/multus/${containerId}`, JSON.stringify(delegates))
    expect([await addresses('multus-net1'), await addresses('multus-net2')]).toEqual([[expect.any(String)], [expect.any(String)]])
    expect(await callShim(first, { verb: 'DEL', containerId, netns, pod: 'by-multus' })).toEqual({ code: 0, out: {} })
    expect([await addresses('multus-net1'), await addresses('multus-net2')]).toEqual([[], []])
    expect(await first.run(['ip', '-n', 'verbs-multus', '-br', 'link'])).not.toMatch(/net[12]/)
    await first.run(['ip', 'netns', 'delete', 'verbs-multus'])
    await first.files.remove(`/var/lib/cni/multus`)
    await nothingLeft(first, before)
  })

  it('GC, as CRI-O calls it, removes exactly what the runtime does not know', async () => {
    await runPod('valid')
    const kept = await addresses('verbs')
    const orphan = await makeOrphan('verbs-orphan')
    const valid = (await records(first)).filter(({ state, containerId }) => state === 'attached' && containerId !== orphan.containerId)
    const list = valid.map(({ containerId }) => ({ containerID: containerId, ifname: 'eth0' }))
    const older = await first.files.list('/var/lib/cni/results')
    expect(older.length).toBeGreaterThan(0)
    expect(await callShim(first, { verb: 'GC', more: { 'cni.dev/valid-attachments': list } })).toEqual({ code: 0, out: {} })
    expect([await stateOf(orphan.containerId), await addresses('verbs')]).toEqual(['gone', kept])
    const { containerId } = await recordOf(first, 'valid')
    const [asked, ...more] = (await recorder.calls()).filter((line) => line.startsWith('GC ')).slice(-1)
    expect([asked, more]).toEqual([
      expect.stringContaining(`"cni.dev/valid-attachments":[{"containerID":"${containerId}","ifname":"net1"}]`),
      [],
    ])
    await first.run(['ip', 'netns', 'delete', 'verbs-orphan'])
    await removePod(cluster, 'valid')
    await nothingLeft(first, before)
  })

  it('an orphan without netns and pod is collected after two looks, networks are asked once, and a live pod keeps its addresses', async () => {
    await runPod('stays')
    const kept = await addresses('verbs')
    const orphan = await makeOrphan('verbs-dead')
    expect(await addresses('verbs')).toHaveLength(kept.length + 1)
    await first.run(['ip', 'netns', 'delete', 'verbs-dead'])
    await renewAgent(cluster, first) // Its first look begins now.
    const asked = (await recorder.calls()).filter((line) => line.startsWith('GC ')).length
    expect(await stateOf(orphan.containerId)).toBe('attached')
    await waitFor(
      'the orphan is detached',
      async () => holds((await stateOf(orphan.containerId)) === 'gone', await stateOf(orphan.containerId)),
      {
        deadline: 200_000,
      },
    )
    expect(await addresses('verbs')).toEqual(kept)
    const { containerId } = await recordOf(first, 'stays')
    const collections = async (): Promise<readonly string[]> =>
      (await recorder.calls()).filter((line) => line.startsWith('GC ')).slice(asked)
    await waitFor('the agent asks for GC by itself', async () => holds((await collections()).length > 0, 'not yet'), { deadline: 200_000 })
    expect(await collections()).toEqual([expect.stringContaining(`{"containerID":"${containerId}","ifname":"net1"}`)])
    await removePod(cluster, 'stays')
    await nothingLeft(first, before)
  })
})
