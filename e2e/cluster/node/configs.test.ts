import { clusterPlace, nodePlace, placeOf } from '../place.ts'
import { containerdConfig, kubeletConfiguration, type NodeSettings, primaryNetwork } from './configs.ts'

const node = nodePlace(clusterPlace(placeOf({}, '/src'), 'demo'), 2)
const settings = (change: Partial<NodeSettings> = {}): NodeSettings => ({
  node,
  controlPlane: '/cp',
  maxPods: 110,
  featureGates: {},
  kubeletConfig: {},
  cgroupV1: true,
  ...change,
})

describe('kubeletConfiguration', () => {
  it.each([
    ['tells kubelet to bear cgroup v1 where the host has it', {}, { failCgroupV1: false }],
    ['lets a suite say more', { kubeletConfig: { podPidsLimit: 50, maxPods: 7 } }, { podPidsLimit: 50, maxPods: 7 }],
    ['passes feature gates', { featureGates: { A: true } }, { featureGates: { A: true } }],
    ['keeps a node in its own cgroup', {}, { cgroupRoot: `/${node.cgroup}` }],
  ])('%s', (_, change, expected) => {
    expect(kubeletConfiguration(settings(change))).toMatchObject(expected)
  })

  it('does not name a field of cgroup v1 on a host without it', () => {
    expect(kubeletConfiguration(settings({ cgroupV1: false }))).not.toHaveProperty('failCgroupV1')
  })
})

describe('the rest of a node', () => {
  it('has a primary network with its own subnet, in the newest version, so that STATUS is called', () => {
    expect(primaryNetwork(node)).toMatchObject({
      cniVersion: '1.1.0',
      plugins: [{ ipam: { ranges: [[{ subnet: '10.244.8.0/22' }]] } }, { type: 'portmap' }],
    })
  })

  it('has a containerd that works without CAP_SYS_RESOURCE', () => {
    expect(containerdConfig({ runc: '/r' })).toContain('restrict_oom_score_adj = true')
  })
})
