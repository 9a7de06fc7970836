import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fakeLog } from '#kube/process/log.fake'
import { multusCacheBeside, openUnrecorded, type Unrecorded } from './unrecorded.ts'

let directory = ''
let unrecorded: Unrecorded
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'unrecorded-'))
  await mkdir(at('multus/results'), { recursive: true })
  await mkdir(at('results'))
  const primary = () => ({ name: 'cluster', cniVersion: '1.0.0', plugins: [{ type: 'bridge', name: 'cluster', cniVersion: '1.0.0' }] })
  const runtimeCache = at('results')
  unrecorded = openUnrecorded({
    runtimeCache,
    multusCache: multusCacheBeside(runtimeCache),
    primary,
    timeoutMs: () => 1000,
    log: fakeLog(),
  })
})
afterEach(() => rm(directory, { recursive: true }))

const at = (name: string): string => join(directory, name)
const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64')
const query = { containerId: 'c1', ifName: 'eth0', cniArgs: 'K8S_POD_NAME=web', cniVersion: '0.4.0' } as const

/** A file of libcni's result cache. */
function results(where: string, name: string, ifName: string, change: object = {}): Promise<void> {
  const config = { cniVersion: '0.3.1', name, type: `${name}-cni`, master: 'eth1' }
  const entry = {
    kind: 'cniCacheV1',
    containerId: 'c1',
    config: base64(config),
    ifName,
    networkName: name,
    cniArgs: [['A', 'B']],
    ...change,
  }
  return writeFile(at(`${where}/${name}-c1-${ifName}`), JSON.stringify(entry))
}

const multus = (value: unknown, containerId = 'c1'): Promise<void> =>
  writeFile(at(`multus/${containerId}`), typeof value === 'string' ? value : JSON.stringify(value))

/** `network type ifName`, primary first. */
async function found(change: object = {}): Promise<readonly string[]> {
  const attachments = await unrecorded.cached({ ...query, ...change })
  return attachments.map(
    ({ network, plugins, ifName, primary }) =>
      `${network} ${plugins.map(({ type }) => (typeof type === 'string' ? type : '')).join('+')} ${ifName}${primary ? ' primary' : ''}`,
  )
}

describe('a sandbox that Multus attached', () => {
  const master = { Name: 'cluster', Bytes: base64({ cniVersion: '0.3.1', name: 'cluster', type: 'calico' }) }
  const second = { Name: 'shop/a', Bytes: base64({ cniVersion: '0.3.1', name: 'a', type: 'macvlan' }) }

  it.each<[string, unknown, readonly string[]]>([
    ['names by place in the list, as at ADD', [master, second], ['cluster calico eth0 primary', 'a macvlan net1']],
    [
      'names that were asked for do not shift the others',
      [master, { ...second, ifnameRequest: 'foo' }, second],
      ['cluster calico eth0 primary', 'a macvlan foo', 'a macvlan net2'],
    ],
    [
      'a conflist',
      [{ Bytes: base64({ name: 'l', cniVersion: '1.0.0', plugins: [{ type: 'x' }, { type: 'y' }] }) }],
      ['l x+y eth0 primary'],
    ],
    [
      'a list without bytes',
      [{ ConfList: { name: 'l', cniVersion: '1.0.0', plugins: [{ type: 'x' }] }, Bytes: null }],
      ['l x eth0 primary'],
    ],
    ['a conf without bytes', [{ Conf: { name: 'k', cniVersion: '1.0.0', type: 'z' }, ConfList: { plugins: null } }], ['k z eth0 primary']],
    ['half a file', '[{"Conf":', []],
    ['no list', { Conf: {} }, []],
  ])('is found in its delegate cache: %s', async (_, cache, expected) => {
    await multus(cache)
    expect(await found()).toEqual(expected)
  })

  it('gets the exact config and result of libcni where there is one, because the list may have lost keys', async () => {
    await multus([master, second])
    const result = { cniVersion: '0.3.1', ips: [{ version: '4', address: '10.1.0.2/24' }] }
    await results('multus/results', 'a', 'net1', { result, capabilityArgs: { mac: 'x' } })
    const [, attachment] = await unrecorded.cached(query)
    expect(attachment).toMatchObject({ ifName: 'net1', cniArgs: 'A=B', plugins: [{ type: 'a-cni', master: 'eth1' }], result })
  })

  it('is torn down with what was hot-plugged, which only the results of libcni know', async () => {
    await multus([master])
    await results('multus/results', 'hot', 'net7')
    expect(await found()).toEqual(['cluster calico eth0 primary', 'hot hot-cni net7'])
  })

  it('is found in the results of libcni when its delegate cache is broken', async () => {
    await multus('[{"Conf"')
    await results('multus/results', 'a', 'net1')
    await results('multus/results', 'cluster', 'eth0')
    expect(await found()).toEqual(['cluster cluster-cni eth0 primary', 'a a-cni net1'])
  })

  it('gets MAC, addresses and device as they were asked for', async () => {
    const conf = { cniVersion: '1.0.0', name: 'a', type: 'sriov', capabilities: { ips: true, mac: true, deviceID: true } }
    await multus([master, { Bytes: base64(conf), macRequest: '02:00:00:00:00:01', ipRequest: ['10.1.0.9/24'], deviceID: '0000:01:00.1' }])
    const [, attachment] = await unrecorded.cached(query)
    expect(attachment).toMatchObject({
      cniArgs: 'K8S_POD_NAME=web;MAC=02:00:00:00:00:01;IP=10.1.0.9/24',
      plugins: [{ runtimeConfig: { ips: ['10.1.0.9/24'], mac: '02:00:00:00:00:01', deviceID: '0000:01:00.1' } }],
    })
  })

  it.each(['', undefined])('a conflist with cniVersion %j gets that of the runtime', async (cniVersion) => {
    await multus([{ Bytes: base64({ cniVersion, name: 'l', plugins: [{ type: 'x' }] }) }])
    expect((await unrecorded.cached(query))[0]?.plugins).toEqual([{ type: 'x', name: 'l', cniVersion: '0.4.0' }])
  })

  it('is forgotten with its results, and nobody else is', async () => {
    await multus([master])
    await multus([master], 'c2')
    await results('multus/results', 'a', 'net1')
    await unrecorded.forget('c1')
    expect([await readdir(at('multus')), await readdir(at('multus/results'))]).toEqual([['c2', 'results'], []])
  })
})

describe("the runtime's own cache", () => {
  it('is not ours to delegate to, but says which ADDs were ours', async () => {
    await results('results', 'plexus', 'eth0', { config: base64({ name: 'plexus', cniVersion: '1.1.0', plugins: [{ type: 'plexus' }] }) })
    await results('results', 'older', 'eth0')
    expect(await found()).toEqual(['older older-cni eth0 primary'])
    expect((await unrecorded.all()).map(({ network }) => network)).toEqual(['older', 'plexus'])
  })

  it('gives the result in the version of the config', async () => {
    const result = { cniVersion: '1.0.0', ips: [{ address: '10.1.0.2/24' }] }
    await results('results', 'older', 'eth0', { result })
    expect((await unrecorded.cached(query))[0]?.result).toMatchObject({
      cniVersion: '0.3.1',
      ips: [{ version: '4', address: '10.1.0.2/24' }],
    })
  })
})
