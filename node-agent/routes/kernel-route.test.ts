import { readKernelRoutes } from './kernel-route.ts'

describe('a default route as the kernel shows it', () => {
  it.each([
    [
      'with every attribute that is needed to write it again',
      4,
      {
        dst: 'default',
        gateway: '169.254.1.1',
        dev: 'eth0',
        protocol: 'static',
        scope: 'link',
        prefsrc: '10.1.0.2',
        metric: 5,
        flags: ['onlink', 'linkdown'],
        metrics: [{ mtu: 1400, advmss: 1360 }],
      },
      ['default via 169.254.1.1 dev eth0 onlink metric 5 proto static scope link src 10.1.0.2 mtu 1400 advmss 1360'],
    ],
    ['without a gateway', 4, { dst: 'default', dev: 'eth0', scope: 'link', flags: [] }, ['default dev eth0 scope link']],
    [
      'over the other family',
      4,
      { dst: 'default', via: { family: 'inet6', host: 'fe80::1' }, dev: 'eth0', flags: [] },
      ['default via inet6 fe80::1 dev eth0'],
    ],
    [
      'with several next hops: one route of IPv4',
      4,
      {
        dst: 'default',
        flags: [],
        nexthops: [
          { gateway: '10.1.0.1', dev: 'eth0', weight: 1 },
          { gateway: '10.2.0.1', dev: 'net1', weight: 2 },
        ],
      },
      ['default nexthop via 10.1.0.1 dev eth0 weight 1 nexthop via 10.2.0.1 dev net1 weight 2'],
    ],
    [
      'with several next hops: several routes of IPv6',
      6,
      {
        dst: 'default',
        metric: 1024,
        pref: 'medium',
        flags: [],
        nexthops: [
          { gateway: 'fd01::1', dev: 'eth0' },
          { gateway: 'fd02::1', dev: 'net1' },
        ],
      },
      ['default via fd01::1 dev eth0 metric 1024 pref medium', 'default via fd02::1 dev net1 metric 1024 pref medium'],
    ],
    ['that leads nowhere is none of ours', 6, { type: 'unreachable', dst: 'default', dev: 'lo', metric: 4294967295 }, []],
    ['is told from others', 4, { dst: '10.1.0.0/24', dev: 'eth0' }, []],
  ] as const)('%s', (_, family, route, words) => {
    expect(readKernelRoutes([route], family).map((read) => read.words)).toEqual(words)
  })

  it.each(['text', null, [], [null, 3], { dst: 'default' }])('is none in %j', (output) => {
    expect(readKernelRoutes(output, 4)).toEqual([])
  })
})
