import { clusterPlace, nodePlace, placeOf } from '../place.ts'
import { machineLinks, nodeLinks, nodePorts, nodeVeths } from './links.ts'

const cluster = clusterPlace(placeOf({}, '/src'), 'demo')
const [one, two] = [nodePlace(cluster, 1), nodePlace(cluster, 2)]

describe('links', () => {
  it('puts one interface into the machine namespace', () => {
    const made = machineLinks(cluster, 7).filter((line) => line.startsWith('link add'))
    expect(made).toEqual([`link add name ${cluster.uplink} type veth peer name machine netns 7`])
  })

  it('gives a node the same addresses of its interfaces after a reboot, and no two nodes the same', () => {
    const macs = (lines: readonly string[]) => lines.map((line) => / address (\S+) /.exec(line)?.[1])
    const first = macs(nodeVeths(cluster, one, { node: 1, controlPlane: 2 }))
    expect(macs(nodeVeths(cluster, one, { node: 9, controlPlane: 2 }))).toEqual(first)
    expect(new Set([...first, ...macs(nodeVeths(cluster, two, { node: 3, controlPlane: 2 }))]).size).toBe(4)
    for (const mac of first) expect(mac).toMatch(/^0[26](:[0-9a-f]{2}){5}$/)
  })

  it('routes the pods of the other nodes by their addresses, and all pods from the control plane', () => {
    expect(nodeLinks(cluster, one, [two])).toContain(`route add 10.244.8.0/22 via ${two.address}`)
    expect(nodePorts(two)).toContain(`route replace 10.244.8.0/22 via ${two.address}`)
  })
})
