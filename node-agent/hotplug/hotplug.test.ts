// Hotplug in the whole attach path: a real socket, real plugin processes, an API server in memory.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rounds, until } from '#kube/testing/until'
import { usable } from '../attach/testing/ports.fake.ts'
import { detachedOf, gone } from '../attach/testing/shim-calls.ts'
import { operation } from '../attach/testing/world.ts'
import { tryLock } from '../delegates/sandbox-lock.ts'
import { eventually, openPodWorld, type PodWorld } from './testing/pod-world.ts'

let world: PodWorld
beforeEach(async () => void (world = await openPodWorld()))
afterEach(() => world.close())

describe('editing the annotation of a running pod', () => {
  it('attaches in its order, says so once, and the pod gets its status', async () => {
    await world.start()
    world.putPod(undefined)
    await world.add('')
    world.putPod('b,a')
    expect(await world.answering('b,a')).toEqual(['cluster eth0', 'default/b net1', 'default/a net2'])
    expect(await world.hotplugged()).toEqual(['ADD plug-b net1 NETNS', 'ADD plug-a net2 NETNS'])
    expect(world.notes('AddedInterface')).toEqual([
      'AddedInterface Add net1 [10.9.0.1/24] from default/b',
      'AddedInterface Add net2 [10.9.0.1/24] from default/a',
    ])
    expect(world.networkStatus()).toEqual(['cluster eth0', 'default/b net1', 'default/a net2'])
  })

  it('detaches what it no longer names, last first, and never the primary or a default network', async () => {
    world.snapshot.setProfile({ defaultNetworks: ['default/a'] })
    await world.start()
    world.putPod(undefined)
    await world.add('', 'net1')
    world.putPod('b,a')
    await world.answering('b,a')
    world.putPod(undefined)
    expect(await world.answering('')).toEqual(['cluster eth0', 'default/a net1'])
    expect((await world.hotplugged()).slice(2)).toEqual(['DEL plug-a net3 NETNS', 'DEL plug-b net2 NETNS'])
    expect(world.notes('RemovedInterface')).toEqual([
      'RemovedInterface Remove net3 from default/a',
      'RemovedInterface Remove net2 from default/b',
    ])
    expect(world.networkStatus()).toEqual(['cluster eth0', 'default/a net1'])
  })

  it('is recorded before a delegate runs, and the DEL of the pod detaches it', async () => {
    const gate = join(world.directory, 'go')
    await world.plugin('plug-b', `[ $CNI_COMMAND = DEL ] && exit 0; while [ ! -e ${gate} ]; do sleep 0.01; done; echo '{}'`)
    await world.start()
    world.putPod('a')
    await world.add('a', 'net1')
    world.putPod('a,b')
    expect(await world.recorded('the attachment is under way', ({ attachments }) => attachments.length === 3)).toContain(
      'default/b net2 attaching',
    )
    await writeFile(gate, '')
    await world.answering('a,b')
    const answer = await world.post('/v1/del', operation('c1', { env: { CNI_NETNS: world.netns } }))
    expect(answer.body).toMatchObject({ attachments: [{ ifName: 'eth0' }, { ifName: 'net1' }, { ifName: 'net2' }] })
    const outcomes = [
      ['cluster', 'eth0'],
      ['default/a', 'net1'],
      ['default/b', 'net2'],
    ].map(([network, ifName]) => ({ network, ifName }))
    await world.post('/v1/detached', detachedOf('c1', { outcomes }))
    await gone(world, 'c1')
  })

  it('does nothing for an annotation that says the same in other words', async () => {
    await world.start()
    world.putPod('a')
    await world.add('a', 'net1')
    world.putPod('[{"name":"a","interface":"net1"}]')
    await world.answering('[{"name":"a","interface":"net1"}]')
    expect([await world.hotplugged(), world.notes('AddedInterface').length]).toEqual([[], 1])
  })

  it.each([
    [
      'a changed attribute',
      '[{"name":"a","mac":"02:00:00:00:00:07"}]',
      /networks\[0\]: mac of network default\/a \(net1\) cannot be changed/,
    ],
    ['a text that cannot be read', 'a/b/c', /networks\[0\]: "a\/b\/c" holds more than one/],
    [
      'a default route',
      '[{"name":"a"},{"name":"b","default-route":["10.9.0.1"]}]',
      /networks\[1\].default-route: default routes of a running pod/,
    ],
  ])('refuses %s once and leaves the pod as it is', async (_, annotation, sentence) => {
    await world.start()
    world.putPod('a')
    await world.add('a', 'net1')
    world.putPod(annotation)
    expect(await world.answering(annotation)).toEqual(['cluster eth0', 'default/a net1'])
    expect(world.notes('InterfaceAddRejected')).toEqual([expect.stringMatching(sentence)])
    expect(await world.hotplugged()).toEqual([])
  })

  it('takes isolation for what it is at an ADD', async () => {
    world.snapshot.setProfile({ namespaceIsolation: 'Enabled', globalNamespaces: [] })
    await world.start()
    world.putPod('a')
    await world.add('a', 'net1')
    world.putPod('a,far/b')
    await world.noted('FailedAddingInterface')
    expect(world.notes('FailedAddingInterface')).toEqual([expect.stringContaining('namespaceIsolation forbids')])
    expect(await world.hotplugged()).toEqual([])
  })
})

describe('what fails', () => {
  it('is undone, told once, and tried again while the rest goes on', async () => {
    await world.failing('a')
    await world.start()
    world.putPod(undefined)
    await world.add('')
    world.putPod('a,b')
    await eventually(
      'two tries',
      () => world.hotplugged(),
      (calls) => calls.filter((call) => call.startsWith('ADD plug-a')).length >= 2,
    )
    expect(world.notes('FailedAddingInterface')).toEqual([
      'FailedAddingInterface network default/a could not be attached as net1: plug-a: no room; it is tried again',
    ])
    expect((await world.hotplugged()).slice(0, 3)).toEqual(['ADD plug-a net1 NETNS', 'DEL plug-a net1 NETNS', 'ADD plug-b net2 NETNS'])
    expect(world.networkStatus()).toEqual(['cluster eth0', 'default/b net2'])
    await world.working('a')
    expect(await world.answering('a,b')).toEqual(['cluster eth0', 'default/b net2', 'default/a net1'])
  })

  it('to be detached stays recorded and is tried again', async () => {
    await world.failing('a', 'DEL')
    await world.start()
    world.putPod('a')
    await world.add('a', 'net1')
    world.putPod('b')
    await world.noted('FailedRemovingInterface')
    expect(
      await world.recorded('b is attached', ({ attachments }) =>
        attachments.some(({ network, pending }) => network === 'default/b' && pending === undefined),
      ),
    ).toEqual(['cluster eth0', 'default/a net1 detaching', 'default/b net2'])
    await world.working('a')
    expect(await world.answering('b')).toEqual(['cluster eth0', 'default/b net2'])
    expect(world.notes('FailedRemovingInterface')).toHaveLength(1)
  })

  it('for want of a network is done when the network appears', async () => {
    await world.start()
    world.putPod(undefined)
    await world.add('')
    world.snapshot.silence(0)
    world.putPod('new')
    await world.noted('FailedAddingInterface')
    expect(world.notes('FailedAddingInterface')).toEqual([expect.stringContaining('there is no NetworkAttachmentDefinition "new"')])
    world.snapshot.put('default/new', usable({ cniVersion: '1.0.0', name: 'new', type: 'plug-a' }))
    expect(await world.answering('new')).toEqual(['cluster eth0', 'default/new net1'])
  })

  it('at the API server leaves the status owed until it is written', async () => {
    await world.start()
    world.putPod(undefined)
    await world.add('')
    await until('the status of the ADD', () => world.networkStatus().length === 1)
    world.api.fault({ method: 'PATCH', path: /pods\/web/ }, { kind: 'answer', status: 403 })
    world.putPod('a')
    await world.recorded('the status is owed', ({ statusPending, attachments }) => statusPending === true && attachments.length === 2)
    await world.noted('NetworkStatusPending')
    await world.answering('a')
    await until('the status is there', () => world.networkStatus().length === 2)
  })
})

describe('an agent that starts', () => {
  it('sees the edits made while there was none', async () => {
    const attach = await world.start()
    world.putPod('a')
    await world.add('a', 'net1')
    await attach.stop()
    world.putPod('b')
    await world.start()
    expect(await world.answering('b')).toEqual(['cluster eth0', 'default/b net1'])
    expect(await world.hotplugged()).toEqual(['DEL plug-a net1 NETNS', 'ADD plug-b net1 NETNS'])
  })

  it.each([
    ['attaching', 'b', ['DEL plug-b net1 NETNS', 'ADD plug-b net1 NETNS'], ['cluster eth0', 'default/b net1']],
    ['detaching', '', ['DEL plug-b net1 NETNS'], ['cluster eth0']],
  ] as const)('finishes what its predecessor left %s', async (pending, annotation, calls, left) => {
    const attach = await world.start()
    world.putPod(undefined)
    await world.add('')
    await attach.stop()
    world.putPod(annotation)
    // What a SIGKILL while the delegate ran leaves on disk, when the edit was taken back meanwhile.
    const record = await world.record('c1')
    const b = { network: 'default/b', ifName: 'net1', primary: false, required: true, cniArgs: '', timeoutMs: 5000, asked: {}, pending }
    const plugins = [{ type: 'plug-b', name: 'b', cniVersion: '1.0.0' }]
    const primary = record.attachments.filter((each) => each.primary)
    const half = { ...record, annotation, attachments: [...primary, { ...b, plugins }] }
    await writeFile(join(world.directory, 'state/sandboxes/c1.json'), JSON.stringify(half))
    const before = (await world.hotplugged()).length
    await world.start()
    expect(await world.answering(annotation)).toEqual(left)
    expect((await world.hotplugged()).slice(before)).toEqual(calls)
  })
})

describe('a pod that is not touched', () => {
  it('uses the network of its node: its owner is told', async () => {
    world.putPod('a', { hostNetwork: true })
    await world.start()
    await world.noted('InterfaceAddRejected')
    world.putPod('a,b', { hostNetwork: true })
    await rounds()
    expect(world.notes('InterfaceAddRejected')).toEqual([expect.stringContaining("the pod uses the node's network (hostNetwork)")])
  })

  it('is being deleted', async () => {
    await world.start()
    world.putPod('a')
    await world.add('a', 'net1')
    world.putPod('b', { deletionTimestamp: '2026-01-01T00:00:00Z' })
    await rounds()
    expect(await world.hotplugged()).toEqual([])
  })

  it('has a shim at work: the edit waits for it', async () => {
    await world.start()
    world.putPod('a')
    await world.add('a', 'net1')
    const shim = await tryLock(join(world.directory, 'run/locks/c1'))
    world.putPod('')
    await until('somebody waits', () =>
      world.log.lines.some((line) => JSON.stringify(line).includes('the shim that works on this sandbox')),
    )
    expect(await world.hotplugged()).toEqual([])
    await shim?.release()
    expect(await world.answering('')).toEqual(['cluster eth0'])
  })
})
