import { missingKernelFeature, preflight } from './preflight.ts'

describe('preflight', () => {
  it('is content with a machine that has everything, a second time too', async () => {
    const lines: string[] = []
    await preflight({ environment: process.env, progress: (line) => lines.push(line) })
    await preflight({ environment: process.env, progress: (line) => lines.push(line) })
    expect(lines.length).toBeLessThanOrEqual(1)
  })

  it('names every program that is missing where there is no apt-get', async () => {
    // This PATH is searched for the packages' programs only; /usr/sbin and /sbin count always.
    const bare = preflight({ environment: { PATH: '/nonexistent' }, progress: () => undefined })
    await expect(bare).rejects.toThrow(/please install what these Debian packages have: .*buildah \(building images\)/)
  })
})

describe('missingKernelFeature', () => {
  it.each(['bridge', 'veth', 'macvlan', 'overlay'] as const)('finds %s, which the cluster uses', async (feature) => {
    expect(await missingKernelFeature(feature)).toBeUndefined()
  })

  it.each(['vlan', 'ipvlan', 'vrf', 'dummy'] as const)('says of %s that it is there, or what to do', async (feature) => {
    expect((await missingKernelFeature(feature)) ?? 'it is there').toMatch(
      new RegExp(`^it is there$|^the kernel refuses ${feature}; load its module`),
    )
  })
})
