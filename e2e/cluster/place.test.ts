import { clusterPlace, nodePlace, placeOf } from './place.ts'

const place = placeOf({ HOME: '/home/a' }, '/src/plexus')

describe('placeOf', () => {
  it.each([
    ['PLEXUS_CACHE', { PLEXUS_CACHE: '/c', XDG_CACHE_HOME: '/x', HOME: '/h' }, '/c'],
    ['XDG_CACHE_HOME when PLEXUS_CACHE is empty', { PLEXUS_CACHE: '', XDG_CACHE_HOME: '/x', HOME: '/h' }, '/x/plexus'],
    ['the home folder otherwise', { HOME: '/h' }, '/h/.cache/plexus'],
  ])('takes the cache from %s', (_, environment, cache) => {
    expect(placeOf(environment, '/src').cache).toBe(cache)
  })
})

describe('clusterPlace', () => {
  it('gives two checkouts and two names different ids, interfaces and folders', () => {
    const places = [clusterPlace(place, 'demo'), clusterPlace(place, 'test'), clusterPlace({ ...place, checkout: '/src/other' }, 'demo')]
    for (const key of ['id', 'uplink', 'folder'] as const) expect(new Set(places.map((one) => one[key])).size).toBe(3)
  })

  it('gives the same cluster the same names each time, short enough for an interface', () => {
    expect(clusterPlace(place, 'demo')).toEqual(clusterPlace(place, 'demo'))
    expect(clusterPlace(place, 'demo').uplink.length).toBeLessThanOrEqual(15)
  })

  it('stays within the shared address space 100.64.0.0/10', () => {
    for (let n = 0; n < 300; n += 1) {
      const [first, second] = clusterPlace(place, `c${n}`).apiAddress.split('.').map(Number)
      expect(first).toBe(100)
      expect(second).toBeGreaterThanOrEqual(64)
      expect(second).toBeLessThanOrEqual(127)
    }
  })
})

describe('nodePlace', () => {
  it('gives every node an address in the segment and a pod subnet of its own', () => {
    const cluster = clusterPlace(place, 'demo')
    const [one, two] = [nodePlace(cluster, 1), nodePlace(cluster, 2)]
    expect([one.name, one.podSubnet]).toEqual(['node-1', '10.244.4.0/22'])
    expect(two.address).toBe(cluster.apiAddress.replace(/1$/, '12'))
    expect(one.cgroup).toBe(`plexus-${cluster.id}-node-1`)
  })
})
