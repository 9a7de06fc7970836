// Where a network's definition is found, with real files: NetworkAttachmentDefinition or conf, in the order of each way of asking.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { networkKey } from '#api/ids'
import type { LookedUp } from './plan-attachments.ts'
import type { ConfPlace, RequestedNetwork } from './requested-network.ts'
import { resolveNetworks } from './resolve-networks.ts'
import { config } from './testing/plan-input.ts'

const published = config({ cniVersion: '1.0.0', name: 'a', type: 'macvlan' })
const signal = new AbortController().signal
let directory = ''
let waits: boolean[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'resolve-'))
  waits = []
})
afterEach(() => rm(directory, { recursive: true }))

const put = (name: string, conf: object): Promise<void> => writeFile(join(directory, name), JSON.stringify(conf))

function asked(order: ConfPlace['order'] | undefined): RequestedNetwork {
  const nad = networkKey('kube-system', 'a')
  const conf = order === undefined ? {} : { conf: { name: 'a', order } }
  return { namespace: 'kube-system', name: 'a', path: 'x', required: true, key: 'kube-system/a', ...(nad && { nad }), ...conf }
}

/** The type of the first plugin, or why there is none. */
async function found(network: RequestedNetwork, nad: LookedUp): Promise<string> {
  const find = async (_key: string, _signal: AbortSignal, { wait = true } = {}): Promise<LookedUp> => {
    waits.push(wait)
    return nad
  }
  const answers = await resolveNetworks({ lookup: { find }, confDirs: () => [directory] }, { further: [network] }, signal)
  const answer = answers.get(network.key)
  return answer?.state === 'usable' ? `${answer.config.plugins[0]?.type} as ${answer.network ?? network.key}` : (answer?.state ?? 'none')
}

describe('a network that the node and the API server know', () => {
  beforeEach(() => put('10-x.conf', { cniVersion: '0.3.1', name: 'a', type: 'bridge' }))

  it.each<[string, ConfPlace['order'] | undefined, LookedUp, string]>([
    ['is the published one for an annotation', undefined, published, 'macvlan as kube-system/a'],
    ["is the node's for the TKE form", 'first', published, 'bridge as a'],
    ['is the published one for a default network', 'last', published, 'macvlan as kube-system/a'],
    ["is the node's for a default network that is not published", 'last', { state: 'missing' }, 'bridge as a'],
    ["is the node's for a default network while nobody answers", 'last', { state: 'unknown', message: '' }, 'bridge as a'],
    ['stays rejected when the published one is', 'last', { state: 'rejected', message: '' }, 'rejected'],
  ])('%s', async (_, order, nad, expected) => expect(await found(asked(order), nad)).toBe(expected))

  it('is not waited for when the node has it', async () => {
    await found(asked('last'), { state: 'missing' })
    expect(waits).toEqual([false])
  })
})

describe('a network that the node does not know', () => {
  it.each<[string, ConfPlace['order']]>([
    ['the TKE form', 'first'],
    ['a default network', 'last'],
  ])('is waited for by %s', async (_, order) => {
    expect([await found(asked(order), { state: 'missing' }), waits.at(-1)]).toEqual(['missing', true])
  })
})

describe('a default network by path', () => {
  const at = (path: string): RequestedNetwork => ({
    namespace: 'kube-system',
    name: path,
    path: 'x',
    required: true,
    key: path,
    conf: { name: path, order: 'first' },
  })

  it('is that conf, with the plugins of its directory', async () => {
    await put('10-l.conflist', { cniVersion: '1.0.0', name: 'l', plugins: [{ type: 'vlan' }] })
    await mkdir(join(directory, 'l'))
    await put('l/1.conf', { type: 'tuning' })
    expect(await found(at(join(directory, '10-l.conflist')), published)).toBe('vlan as l')
  })

  it('is the first conf of a directory', async () => {
    await put('20-b.conf', { name: 'b', type: 'bridge' })
    await put('10-c.conf', { name: 'c', type: 'ptp' })
    expect(await found(at(directory), published)).toBe('ptp as c')
  })

  it.each([
    ['rejected', '{"name":"x"}'],
    ['rejected', '{'],
  ])('is %s when it holds %s', async (state, text) => {
    await writeFile(join(directory, 'x.conf'), text)
    expect(await found(at(join(directory, 'x.conf')), published)).toBe(state)
  })

  it('is missing when there is nothing', async () => expect(await found(at(join(directory, 'x.conf')), published)).toBe('missing'))
})
