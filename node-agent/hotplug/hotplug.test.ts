// Hotplug in the whole attach path: a real socket, real plugin processes, an API server in memory.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SandboxRecord } from '#api/sandbox-record'
import { rounds, until } from '#kube/testing/until'
import { tryLock } from '../delegates/sandbox-lock.ts'
import { usable } from '../attach/testing/ports.fake.ts'
import { commitOf, detachedOf, gone } from '../attach/testing/shim-calls.ts'
import { openWorld, operation, result, type World } from '../attach/testing/world.ts'
import { pods } from '../pods/pod.ts'

const KEY = 'k8s.v1.cni.cncf.io/networks'
const STATUS = 'k8s.v1.cni.cncf.io/network-status'
let world: World
beforeEach(async () => {
  world = await openWorld()
  for (const name of ['a', 'b']) world.snapshot.put(`default/${name}`, usable({ cniVersion: '1.0.0', name, type: `plug-${name}` }))
  await world.plugin('prim')
  await working('a')
  await working('b')
})
afterEach(() => world.close())

const netns = (): string => join(world.directory, 'netns', 'c1')
/** A plugin that attaches; its address ends with the last character of the interface's name. */
const working = (name: string): Promise<void> => {
  const text = JSON.stringify(result('IF', '10.9.0.1/24')).replace('IF', '$CNI_IFNAME').replaceAll('"', '\\"')
  return world.plugin(`plug-${name}`, `[ $CNI_COMMAND = ADD ] && echo "${text}" || true`)
}
const failing = (name: string, command = 'ADD'): Promise<void> =>
  world.plugin(`plug-${name}`, `if [ $CNI_COMMAND = ${command} ]; then echo '{"code": 103, "msg": "no room"}'; exit 1; fi; echo '{}'`)

function storedAnnotations(): Readonly<Record<string, string>> {
  const text = JSON.stringify(world.api.get(pods, { namespace: 'default', name: 'web' }) ?? { metadata: {} })
  const { metadata }: { readonly metadata: { readonly annotations?: Record<string, string> } } = JSON.parse(text)
  return metadata.annotations ?? {}
}

/** The pod as users see it; `networks` is its annotation. */
function putPod(networks: string | undefined, more: { readonly hostNetwork?: boolean; readonly deletionTimestamp?: string } = {}): void {
  const { hostNetwork = false, ...rest } = more
  // An edit leaves the other annotations alone.
  const status = Object.fromEntries(Object.entries(storedAnnotations()).filter(([key]) => key === STATUS))
  const annotations = { ...status, ...(networks === undefined ? {} : { [KEY]: networks }) }
  const metadata = { namespace: 'default', name: 'web', uid: 'uid-1', annotations, ...rest }
  const spec = { nodeName: 'node-a', hostNetwork }
  world.api.put(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec, status: { phase: 'Running' } })
}

const MADE: Record<string, readonly [string, string, string]> = {
  eth0: ['cluster', 'eth0', '10.1.0.2/24'],
  net1: ['default/a', 'net1', '10.2.0.2/24'],
}

/** ADD of the pod with this annotation by a shim, with what it attaches. */
async function add(networks: string, ...ifNames: readonly string[]): Promise<void> {
  await writeFile(netns(), '')
  const annotations: Record<string, string> = networks === '' ? {} : { [KEY]: networks }
  const plan = await world.post('/v1/plan', operation('c1', { annotations, env: { CNI_NETNS: netns() } }))
  const made = ['eth0', ...ifNames].flatMap((name) => (MADE[name] === undefined ? [] : [MADE[name]]))
  const commit = await world.post('/v1/commit', commitOf('c1', made))
  if (plan.status !== 200 || commit.status !== 200) throw new Error(JSON.stringify([plan.body, commit.body]))
}

const names = ({ attachments }: SandboxRecord): readonly string[] =>
  attachments.map(({ network, ifName, pending }) => [network, ifName, ...(pending === undefined ? [] : [pending])].join(' '))

/** Waits for something that is read from the disk. */
async function eventually<T>(what: string, read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const end = performance.now() + 10_000
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop
    const value = await read()
    if (holds(value)) return value
    if (performance.now() > end) throw new Error(`waited in vain for: ${what}; it is ${JSON.stringify(value)}`)
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Waits for a state of the record; answers its attachments. */
async function recorded(what: string, holds: (record: SandboxRecord) => boolean): Promise<readonly string[]> {
  return names(await eventually(what, () => world.record('c1'), holds))
}
/** Waits until the record answers to this annotation and nothing is owed. */
const answering = (annotation: string): Promise<readonly string[]> =>
  recorded(`the record answers to ${annotation}`, (record) => record.annotation === annotation && record.statusPending !== true)

const notes = (...reasons: readonly string[]): readonly string[] =>
  world.events.notes.filter(({ reason }) => reasons.includes(reason)).map(({ reason, message }) => `${reason} ${message}`)
const noted = (reason: string): Promise<void> => until(`event ${reason}`, () => notes(reason).length > 0)
const hotplugged = async (): Promise<readonly string[]> =>
  (await world.calls()).filter((call) => call.includes('plug-')).map((call) => call.replace(netns(), 'NETNS'))

function networkStatus(): readonly string[] {
  const status: readonly { readonly name: string; readonly interface: string }[] = JSON.parse(storedAnnotations()[STATUS] ?? '[]')
  return status.map((entry) => `${entry.name} ${entry.interface}`)
}

describe('editing the annotation of a running pod', () => {
  it('attaches in its order, says so once, and the pod gets its status', async () => {
    await world.start()
    putPod(undefined)
    await add('')
    putPod('b,a')
    expect(await answering('b,a')).toEqual(['cluster eth0', 'default/b net1', 'default/a net2'])
    expect(await hotplugged()).toEqual(['ADD plug-b net1 NETNS', 'ADD plug-a net2 NETNS'])
    expect(notes('AddedInterface')).toEqual([
      'AddedInterface Add net1 [10.9.0.1/24] from default/b',
      'AddedInterface Add net2 [10.9.0.1/24] from default/a',
    ])
    expect(networkStatus()).toEqual(['cluster eth0', 'default/b net1', 'default/a net2'])
  })

  it('detaches what it no longer names, last first, and never the primary or a default network', async () => {
    world.snapshot.setProfile({ defaultNetworks: ['default/a'] })
    await world.start()
    putPod(undefined)
    await add('', 'net1')
    putPod('b,a')
    await answering('b,a')
    putPod(undefined)
    expect(await answering('')).toEqual(['cluster eth0', 'default/a net1'])
    expect((await hotplugged()).slice(2)).toEqual(['DEL plug-a net3 NETNS', 'DEL plug-b net2 NETNS'])
    expect(notes('RemovedInterface')).toEqual([
      'RemovedInterface Remove net3 from default/a',
      'RemovedInterface Remove net2 from default/b',
    ])
    expect(networkStatus()).toEqual(['cluster eth0', 'default/a net1'])
  })

  it('is recorded before a delegate runs, and the DEL of the pod detaches it', async () => {
    const gate = join(world.directory, 'go')
    await world.plugin('plug-b', `[ $CNI_COMMAND = DEL ] && exit 0; while [ ! -e ${gate} ]; do sleep 0.01; done; echo '{}'`)
    await world.start()
    putPod('a')
    await add('a', 'net1')
    putPod('a,b')
    expect(await recorded('the attachment is under way', ({ attachments }) => attachments.length === 3)).toContain(
      'default/b net2 attaching',
    )
    await writeFile(gate, '')
    await answering('a,b')
    const answer = await world.post('/v1/del', operation('c1', { env: { CNI_NETNS: netns() } }))
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
    putPod('a')
    await add('a', 'net1')
    putPod('[{"name":"a","interface":"net1"}]')
    await answering('[{"name":"a","interface":"net1"}]')
    expect([await hotplugged(), notes('AddedInterface').length]).toEqual([[], 1])
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
    putPod('a')
    await add('a', 'net1')
    putPod(annotation)
    expect(await answering(annotation)).toEqual(['cluster eth0', 'default/a net1'])
    expect(notes('InterfaceAddRejected')).toEqual([expect.stringMatching(sentence)])
    expect(await hotplugged()).toEqual([])
  })

  it('takes isolation for what it is at an ADD', async () => {
    world.snapshot.setProfile({ namespaceIsolation: 'Enabled', globalNamespaces: [] })
    await world.start()
    putPod('a')
    await add('a', 'net1')
    putPod('a,far/b')
    await noted('FailedAddingInterface')
    expect(notes('FailedAddingInterface')).toEqual([expect.stringContaining('namespaceIsolation forbids')])
    expect(await hotplugged()).toEqual([])
  })
})

describe('what fails', () => {
  it('is undone, told once, and tried again while the rest goes on', async () => {
    await failing('a')
    await world.start()
    putPod(undefined)
    await add('')
    putPod('a,b')
    await eventually('two tries', hotplugged, (calls) => calls.filter((call) => call.startsWith('ADD plug-a')).length >= 2)
    expect(notes('FailedAddingInterface')).toEqual([
      'FailedAddingInterface network default/a could not be attached as net1: plug-a: no room; it is tried again',
    ])
    expect((await hotplugged()).slice(0, 3)).toEqual(['ADD plug-a net1 NETNS', 'DEL plug-a net1 NETNS', 'ADD plug-b net2 NETNS'])
    expect(networkStatus()).toEqual(['cluster eth0', 'default/b net2'])
    await working('a')
    expect(await answering('a,b')).toEqual(['cluster eth0', 'default/b net2', 'default/a net1'])
  })

  it('to be detached stays recorded and is tried again', async () => {
    await failing('a', 'DEL')
    await world.start()
    putPod('a')
    await add('a', 'net1')
    putPod('b')
    await noted('FailedRemovingInterface')
    expect(
      await recorded('b is attached', ({ attachments }) =>
        attachments.some(({ network, pending }) => network === 'default/b' && pending === undefined),
      ),
    ).toEqual(['cluster eth0', 'default/a net1 detaching', 'default/b net2'])
    await working('a')
    expect(await answering('b')).toEqual(['cluster eth0', 'default/b net2'])
    expect(notes('FailedRemovingInterface')).toHaveLength(1)
  })

  it('for want of a network is done when the network appears', async () => {
    await world.start()
    putPod(undefined)
    await add('')
    world.snapshot.silence(0)
    putPod('new')
    await noted('FailedAddingInterface')
    expect(notes('FailedAddingInterface')).toEqual([expect.stringContaining('there is no NetworkAttachmentDefinition "new"')])
    world.snapshot.put('default/new', usable({ cniVersion: '1.0.0', name: 'new', type: 'plug-a' }))
    expect(await answering('new')).toEqual(['cluster eth0', 'default/new net1'])
  })

  it('at the API server leaves the status owed until it is written', async () => {
    await world.start()
    putPod(undefined)
    await add('')
    await until('the status of the ADD', () => networkStatus().length === 1)
    world.api.fault({ method: 'PATCH', path: /pods\/web/ }, { kind: 'answer', status: 403 })
    putPod('a')
    await recorded('the status is owed', ({ statusPending, attachments }) => statusPending === true && attachments.length === 2)
    await noted('NetworkStatusPending')
    await answering('a')
    await until('the status is there', () => networkStatus().length === 2)
  })
})

describe('an agent that starts', () => {
  it('sees the edits made while there was none', async () => {
    const attach = await world.start()
    putPod('a')
    await add('a', 'net1')
    await attach.stop()
    putPod('b')
    await world.start()
    expect(await answering('b')).toEqual(['cluster eth0', 'default/b net1'])
    expect(await hotplugged()).toEqual(['DEL plug-a net1 NETNS', 'ADD plug-b net1 NETNS'])
  })

  it.each([
    ['attaching', 'b', ['DEL plug-b net1 NETNS', 'ADD plug-b net1 NETNS'], ['cluster eth0', 'default/b net1']],
    ['detaching', '', ['DEL plug-b net1 NETNS'], ['cluster eth0']],
  ] as const)('finishes what its predecessor left %s', async (pending, annotation, calls, left) => {
    const attach = await world.start()
    putPod(undefined)
    await add('')
    await attach.stop()
    putPod(annotation)
    // What a SIGKILL while the delegate ran leaves on disk.
    const record = await world.record('c1')
    const b = { network: 'default/b', ifName: 'net1', primary: false, required: true, cniArgs: '', timeoutMs: 5000, asked: {}, pending }
    const plugins = [{ type: 'plug-b', name: 'b', cniVersion: '1.0.0' }]
    const primary = record.attachments.filter((each) => each.primary)
    const half = { ...record, annotation: 'before', attachments: [...primary, { ...b, plugins }] }
    await writeFile(join(world.directory, 'state/sandboxes/c1.json'), JSON.stringify(half))
    const before = (await hotplugged()).length
    await world.start()
    expect(await answering(annotation)).toEqual(left)
    expect((await hotplugged()).slice(before)).toEqual(calls)
  })
})

describe('a pod that is not touched', () => {
  it('uses the network of its node: its owner is told', async () => {
    putPod('a', { hostNetwork: true })
    await world.start()
    await noted('InterfaceAddRejected')
    putPod('a,b', { hostNetwork: true })
    await rounds()
    expect(notes('InterfaceAddRejected')).toEqual([expect.stringContaining("the pod uses the node's network (hostNetwork)")])
  })

  it('is being deleted', async () => {
    await world.start()
    putPod('a')
    await add('a', 'net1')
    putPod('b', { deletionTimestamp: '2026-01-01T00:00:00Z' })
    await rounds()
    expect(await hotplugged()).toEqual([])
  })

  it('has a shim at work: the edit waits for it', async () => {
    await world.start()
    putPod('a')
    await add('a', 'net1')
    const shim = await tryLock(join(world.directory, 'run/locks/c1'))
    putPod('')
    await until('somebody waits', () =>
      world.log.lines.some((line) => JSON.stringify(line).includes('the shim that works on this sandbox')),
    )
    expect(await hotplugged()).toEqual([])
    await shim?.release()
    expect(await answering('')).toEqual(['cluster eth0'])
  })
})
