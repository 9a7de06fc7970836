import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { PlexusError } from '#api/errors'
import { fakeKernelRoutes } from './kernel-routes.fake.ts'
import { type KernelRoutes, openKernelRoutes } from './kernel-routes.ts'

const signal = new AbortController().signal

/** A namespace with the routes `default via 10.1.0.1 dev eth0` and `default via fd01::1 dev eth0`, and net1 beside it. */
interface Namespace {
  readonly kernel: KernelRoutes
  readonly netns: string
  close(): Promise<void>
}

const WIRED = [
  'ip link set lo up',
  ...['eth0', 'net1'].flatMap((name) => [
    `ip link add ${name} type veth peer name ${name}p`,
    `ip link set ${name} up`,
    `ip link set ${name}p up`,
  ]),
  'ip address add 10.1.0.2/24 dev eth0',
  'ip address add fd01::2/64 dev eth0 nodad',
  'ip address add 10.2.0.2/24 dev net1',
  'ip address add fd02::2/64 dev net1 nodad',
  'ip route add default via 10.1.0.1 dev eth0',
  'ip -6 route add default via fd01::1 dev eth0',
  'echo wired; read _',
].join(' && ')

async function realNamespace(): Promise<Namespace> {
  const holder = spawn('unshare', ['--net', 'sh', '-c', WIRED], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(holder.stdout, 'data')
  return {
    kernel: openKernelRoutes(),
    netns: `/proc/${holder.pid}/ns/net`,
    close: async () => {
      const ended = once(holder, 'exit')
      holder.stdin.end('\n')
      await ended
    },
  }
}

const fakeNamespace = async (): Promise<Namespace> => ({
  kernel: fakeKernelRoutes('default via 10.1.0.1 dev eth0', 'default via fd01::1 dev eth0'),
  netns: '/run/netns/x',
  close: async () => undefined,
})

const mayUnshare = spawnSync('unshare', ['--net', 'true']).status === 0
const kinds: [string, () => Promise<Namespace>][] = [['in memory', fakeNamespace]]
if (mayUnshare) kinds.push(['of the kernel', realNamespace])
else console.warn('routes of the kernel are not tested: this user may not make network namespaces')

describe.each(kinds)('default routes %s', (_, open) => {
  let space: Namespace
  beforeEach(async () => void (space = await open()))
  afterEach(() => space.close())
  const words = async (): Promise<readonly string[]> => {
    const both = await Promise.all([space.kernel.read(space.netns, 4, signal), space.kernel.read(space.netns, 6, signal)])
    return both.flat().map((route) => route.words.replace(/ pref medium$/, ''))
  }

  it('are read per family with gateway, device and metric', async () => {
    expect(await space.kernel.read(space.netns, 4, signal)).toMatchObject([
      { family: 4, gateway: '10.1.0.1', devices: ['eth0'], metric: 0, words: 'default via 10.1.0.1 dev eth0' },
    ])
    expect(await space.kernel.read(space.netns, 6, signal)).toMatchObject([
      { family: 6, gateway: 'fd01::1', devices: ['eth0'], metric: 1024 },
    ])
  })

  it('are added beside each other and removed, both families in one batch', async () => {
    const [eth0v6] = await space.kernel.read(space.netns, 6, signal)
    const lines = ['route append default via 10.2.0.1 dev net1', 'route append default via fd02::1 dev net1']
    expect(await space.kernel.write(space.netns, lines, signal)).toBeUndefined()
    expect((await words()).toSorted()).toEqual([
      'default via 10.1.0.1 dev eth0',
      'default via 10.2.0.1 dev net1',
      'default via fd01::1 dev eth0 metric 1024',
      'default via fd02::1 dev net1 metric 1024',
    ])
    const away = ['route del default via 10.1.0.1 dev eth0', `route del ${eth0v6?.words}`]
    expect(await space.kernel.write(space.netns, away, signal)).toBeUndefined()
    expect(await words()).toEqual(['default via 10.2.0.1 dev net1', 'default via fd02::1 dev net1 metric 1024'])
  })

  it('say what was refused, and nothing after that was done', async () => {
    const before = await words()
    const lines = ['route del default via 10.7.0.1 dev net1', 'route del default via 10.1.0.1 dev eth0']
    expect(await space.kernel.write(space.netns, lines, signal)).toBe('No such process')
    expect(await words()).toEqual(before)
  })
})

it('a namespace that is gone is a sentence', async () => {
  const read = openKernelRoutes().read('/run/netns/never', 4, signal)
  await expect(read).rejects.toThrow(/the routes in \/run\/netns\/never cannot be read: .*No such file.*new sandbox/)
  await expect(read).rejects.toBeInstanceOf(PlexusError)
})
