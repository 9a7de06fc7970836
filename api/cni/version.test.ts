// Holds version negotiation to libcni's rule and the runtimes to the libcni they were released with.
import { CNI_VERSIONS, compareVersions, isAtLeast, negotiateVersion, runtimeCniVersion } from '#api/cni/version'

describe('CNI versions', () => {
  it.each([
    ['the only one', '0.4.0', [], '0.4.0'],
    ['the newest of the list', undefined, ['0.3.1', '1.0.0', '0.4.0'], '1.0.0'],
    ['cniVersion when it is newer than the list', '1.1.0', ['0.4.0'], '1.1.0'],
    ['the newest that exists', '1.0.0', ['1.1.0', '1.2.0', '99.0.0'], '1.1.0'],
    ['nothing when none exists', '2.0.0', ['3.0.0'], undefined],
    ['nothing when none is given', undefined, [], undefined],
  ])('negotiate %s', (_, cniVersion, cniVersions, expected) => expect(negotiateVersion(cniVersion, cniVersions)).toBe(expected))

  it('are ordered', () => {
    expect(CNI_VERSIONS.toSorted(compareVersions)).toEqual(CNI_VERSIONS)
    expect(isAtLeast('1.0.0', '0.4.0')).toBe(true)
    expect(isAtLeast('0.3.1', '0.4.0')).toBe(false)
  })

  it.each([
    ['containerd://2.2.1', '1.1.0'],
    ['containerd://2.0.0-rc.1', '1.1.0'],
    ['containerd://1.7.27', '1.0.0'],
    ['containerd://1.7.27-k3s1', '1.0.0'],
    ['containerd://1.6.0', '1.0.0'],
    ['containerd://1.5.18', '0.4.0'],
    ['cri-o://1.31.0', '1.1.0'],
    ['cri-o://1.30.4', '1.0.0'],
    ['cri-o://1.22.1', '0.4.0'],
    ['docker://28.0.1', '1.0.0'],
    ['', '1.0.0'],
  ])('of runtime %j: %s', (runtime, expected) => expect(runtimeCniVersion(runtime)).toBe(expected))
})
