import type { DefaultRoute } from '#api/socket'
import { systemClock } from '#kube/process/system-clock'
import { fakeLog } from '#kube/process/log.fake'
import { fakeKernelRoutes, type FakeKernelRoutes } from './kernel-routes.fake.ts'
import { moveDefaultRoutes, type MovedRoutes } from './move-default-routes.ts'
import { wantedRoutes } from './wanted-routes.ts'

const V4 = 'default via 10.1.0.1 dev eth0'
const V6 = 'default via fd01::1 dev eth0 metric 1024'
const SIBLING = 'default via 10.3.0.1 dev net2 metric 50'

const move = (kernel: FakeKernelRoutes, asked: Readonly<Record<string, DefaultRoute>>): Promise<MovedRoutes> => {
  const wanted = wantedRoutes(Object.entries(asked).map(([ifName, defaultRoute]) => ({ ifName, defaultRoute })))
  if (wanted === undefined) throw new Error('nothing was asked for')
  return moveDefaultRoutes(kernel, { netns: '/run/netns/x', wanted, clock: systemClock(), log: fakeLog() })
}

describe('default routes are moved', () => {
  it.each<[string, Readonly<Record<string, DefaultRoute>>, readonly string[], readonly string[]]>([
    [
      'a v4 gateway takes the place of the v4 default only',
      { net1: { gateways: ['10.2.0.1'] } },
      [V4, V6],
      ['default via 10.2.0.1 dev net1', V6],
    ],
    [
      'a v6 gateway takes the place of the v6 default only',
      { net1: { gateways: ['fd02::1'] } },
      [V4, V6],
      [V4, 'default via fd02::1 dev net1 metric 1024'],
    ],
    [
      'both families',
      { net1: { gateways: ['fd02::0:1', '10.2.0.1'] } },
      [V4, V6],
      ['default via 10.2.0.1 dev net1', 'default via fd02::1 dev net1 metric 1024'],
    ],
    [
      'a family each over two networks',
      { net1: { gateways: ['10.2.0.1'] }, net2: { gateways: ['fd03::1'] } },
      [V4, V6],
      ['default via 10.2.0.1 dev net1', 'default via fd03::1 dev net2 metric 1024'],
    ],
    ['an empty list takes the defaults of its own interface only', { net2: { gateways: [] } }, [V4, SIBLING, V6], [V4, V6]],
    ['an empty list on the primary', { eth0: { gateways: [] } }, [V4, SIBLING, V6], [SIBLING]],
    ['a mapped address is IPv4', { net1: { gateways: ['::ffff:10.2.0.1'] } }, [V4, V6], ['default via 10.2.0.1 dev net1', V6]],
    [
      'with a metric the others stay beside it',
      { net1: { gateways: ['10.2.0.1', 'fd02::1'], metric: 700 } },
      [V4, V6],
      [V4, 'default via 10.2.0.1 dev net1 metric 700', V6, 'default via fd02::1 dev net1 metric 700'],
    ],
    [
      "with a metric only the network's own default gives way",
      { net1: { gateways: ['10.2.0.1'], metric: 700 } },
      ['default via 10.2.0.9 dev net1', V4],
      [V4, 'default via 10.2.0.1 dev net1 metric 700'],
    ],
    ['what is there already is left alone', { eth0: { gateways: ['10.1.0.1'] } }, [V4, V6], [V4, V6]],
  ])('%s', async (_, asked, former, expected) => {
    const kernel = fakeKernelRoutes(...former)
    await move(kernel, asked)
    expect(kernel.routes()).toEqual(expected)
    const settled = kernel.steps.length
    await move(kernel, asked)
    expect(kernel.steps.slice(settled).filter((step) => step.startsWith('route'))).toEqual([])
  })

  it('by adding before anything is removed, and by looking afterwards', async () => {
    const kernel = fakeKernelRoutes(V4, V6)
    await move(kernel, { net1: { gateways: ['10.2.0.1'] } })
    expect(kernel.steps).toEqual(['read 4', 'route append default via 10.2.0.1 dev net1', `route del ${V4}`, 'read 4'])
  })

  it('and back', async () => {
    const kernel = fakeKernelRoutes(V4, SIBLING, V6)
    const { undo } = await move(kernel, { net1: { gateways: ['10.2.0.1', 'fd02::1'] } })
    await undo()
    expect(kernel.routes()).toEqual([V4, SIBLING, V6])
  })
})

describe('the former routes are there after', () => {
  it.each<[string, (kernel: FakeKernelRoutes) => void, RegExp]>([
    [
      'a gateway that the interface cannot reach',
      (kernel) => kernel.refuse('append default via 10.2.0.1', 'Nexthop has invalid gateway'),
      /^default-route 10\.2\.0\.1 over net1, fd02::1 over net1: the kernel says "Nexthop has invalid gateway"; give a gateway in the subnet/,
    ],
    [
      'one family of two that is refused',
      (kernel) => kernel.refuse('append default via fd02::1', 'No route to host'),
      /the kernel says "No route to host"/,
    ],
    ['a removal that is refused half way', (kernel) => kernel.refuse(`del ${V6}`, 'Operation not permitted'), /Operation not permitted/],
    [
      'a removal that did nothing (Multus since 4.2.2)',
      (kernel) => kernel.ignore(`del ${V4}`),
      /"default via 10\.1\.0\.1 dev eth0" is still there/,
    ],
    [
      'a route that was taken and is not there',
      (kernel) => kernel.ignore('append default via 10.2'),
      /via 10\.2\.0\.1 dev net1 is not there/,
    ],
  ])('%s', async (_, break_, sentence) => {
    const kernel = fakeKernelRoutes(V4, V6)
    break_(kernel)
    const asked = { net1: { gateways: ['10.2.0.1', 'fd02::1'] } }
    await expect(move(kernel, asked)).rejects.toMatchObject({ code: 'DefaultRouteFailed', message: expect.stringMatching(sentence) })
    expect(kernel.routes().toSorted()).toEqual([V4, V6])
  })

  it('a metric that another default route has', async () => {
    const kernel = fakeKernelRoutes(V4, V6)
    const asked = { net1: { gateways: ['fd02::1'], metric: 1024 } }
    await expect(move(kernel, asked)).rejects.toThrow(/over eth0 has the metric 1024 already; choose another metric/)
    expect(kernel.routes()).toEqual([V4, V6])
  })
})
