import { spawnSync } from 'node:child_process'
import { openNetnsReader } from './netns-state.ts'

const signal = new AbortController().signal
const path = '/run/netns/plexus-netns-state'
const ip = (...words: readonly string[]): number | null => spawnSync('ip', words).status
const canMake = process.getuid?.() === 0 && ip('netns', 'add', 'plexus-netns-state') === 0
afterAll(() => void (canMake && ip('netns', 'delete', 'plexus-netns-state')))

const asRoot = canMake ? it : it.skip

describe('the kernel state of a namespace', () => {
  asRoot('has links, addresses of both families and unicast routes', async () => {
    const inside = (...words: readonly string[]): number | null => ip('-n', 'plexus-netns-state', ...words)
    inside('link', 'add', 'net1', 'address', '02:00:00:00:0a:01', 'type', 'veth', 'peer', 'name', 'peer1')
    inside('link', 'set', 'net1', 'up')
    inside('link', 'set', 'peer1', 'up')
    inside('address', 'add', '10.1.0.2/24', 'dev', 'net1')
    inside('-6', 'address', 'add', 'fd00:0:0::2/64', 'dev', 'net1', 'nodad')
    inside('route', 'add', 'default', 'via', '10.1.0.1')
    inside('route', 'add', '192.168.7.7', 'via', '10.1.0.1', 'table', '77')
    const state = await openNetnsReader().read(path, signal)
    expect(state.links.find(({ name }) => name === 'net1')).toMatchObject({
      mac: '02:00:00:00:0a:01',
      addresses: expect.arrayContaining(['10.1.0.2', 'fd00::2']),
    })
    expect([...state.routes]).toEqual(expect.arrayContaining(['0.0.0.0/0', '10.1.0.0/24', '192.168.7.7/32', 'fd00::/64']))
    expect([...state.routes].filter((dst) => dst.startsWith('10.1.0.255') || dst.startsWith('ff00'))).toEqual([])
  })

  it('fails with the reason when there is no such namespace', async () => {
    await expect(openNetnsReader().read('/run/netns/plexus-none', signal)).rejects.toMatchObject({
      code: 'Io',
      message: expect.stringContaining('/run/netns/plexus-none'),
    })
  })
})
