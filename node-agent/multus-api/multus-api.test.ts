import { createServer } from 'node:http'
import { access, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SandboxRecord } from '#api/sandbox-record'
import { until } from '#kube/testing/until'
import { pods } from '../pods/pod.ts'
import { usable } from '../attach/testing/ports.fake.ts'
import { add, openShimWorld } from '../attach/testing/shim-calls.ts'
import { type Answered, operation, result, type World } from '../attach/testing/world.ts'

let world: World
beforeEach(async () => {
  world = await openShimWorld()
  world.snapshot.setProfile({ multusApi: 'Enabled' })
})
afterEach(() => world.close())

const NETWORKS_KEY = 'k8s.v1.cni.cncf.io/networks'
const ARGS = 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=web;K8S_POD_UID=uid-1'
const base64 = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64')
const socket = (): string => join(world.directory, 'multus/multus.sock')

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

async function serving(): Promise<void> {
  await world.start()
  let there = false
  const look = async (): Promise<void> => {
    there = await exists(socket())
    if (!there) setImmediate(() => void look())
  }
  await look()
  await until('the socket of Multus is there', () => there)
}

/** What Multus' shim sends. */
function cniRequest(
  command: string,
  env: object = {},
  config: unknown = { cniVersion: '0.3.1', name: 'multus-cni-network', type: 'multus-shim' },
) {
  const own = { CNI_COMMAND: command, CNI_CONTAINERID: 'c1', CNI_NETNS: '/run/netns/c1', CNI_IFNAME: 'eth0', CNI_ARGS: ARGS }
  return { env: { ...own, CNI_PATH: '/opt/none', HOME: '/root', ...env }, config: base64(config) }
}

/** What the dynamic-networks controller sends: the NAD's config with its name, and what the pod's element asks for. */
function delegateRequest(
  command: string,
  change: { readonly ifName?: string; readonly config?: unknown; readonly attributes?: object } = {},
) {
  const { ifName = 'net9', config = { cniVersion: '1.0.0', name: 'a', type: 'sec' }, attributes = { 'cni-args': null } } = change
  const env = { CNI_COMMAND: command, CNI_CONTAINERID: 'c1', CNI_NETNS: '/run/netns/c1', CNI_IFNAME: ifName, CNI_ARGS: ARGS }
  return { env, config: base64(config), interfaceAttributes: attributes }
}

const message = ({ status, body }: Answered): string => `${status} ${String(body['code'])} ${String(body['msg'])}`
const attachments = async (): Promise<readonly string[]> =>
  (await world.record('c1')).attachments.map(({ network, ifName, pending = 'whole' }) => `${network} ${ifName} ${pending}`)
const annotate = (networks: string): void => {
  const metadata = { namespace: 'default', name: 'web', uid: 'uid-1', annotations: { [NETWORKS_KEY]: networks } }
  world.api.put(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: 'node-a' } })
}

describe("Multus' socket", () => {
  it('is there only when the profile asks for it', async () => {
    world.snapshot.setProfile({ multusApi: 'Disabled' })
    await world.start()
    await add(world, 'c1')
    expect(await exists(socket())).toBe(false)
  })

  it('answers health checks as the shim POSTs them, and 404 to what it does not know', async () => {
    await serving()
    expect([
      (await world.postMultus('/healthz', null)).status,
      (await world.postMultus('/readyz', null)).status,
      (await world.postMultus('/other', null)).status,
    ]).toEqual([200, 200, 404])
  })

  it('is left to a Multus that still serves it', async () => {
    await mkdir(join(world.directory, 'multus'))
    const other = createServer((_, response) => response.end('{"who":"multus"}'))
    await new Promise<void>((resolve) => void other.listen(socket(), () => resolve()))
    await world.start()
    const said = (): boolean => world.log.lines.some(({ fields }) => String(fields?.['error']).includes('another process serves it'))
    await until('the agent says who serves it', said)
    expect((await world.postMultus('/healthz', null)).body).toEqual({ who: 'multus' })
    await new Promise((resolve) => void other.close(resolve))
  })
})

describe('/cni', () => {
  it('has our shim do the ADD with what the runtime said, and answers its result', async () => {
    await world.plugin('plexus', `env | grep CNI_ | sort > ${world.directory}/env; echo '${JSON.stringify(result('eth0', '10.1.0.2/24'))}'`)
    await serving()
    const config = { cniVersion: '0.3.1', name: 'multus', type: 'multus-shim', clusterNetwork: 'x', runtimeConfig: { portMappings: [] } }
    const answer = await world.postMultus('/cni', cniRequest('ADD', {}, config))
    expect(answer).toMatchObject({ status: 200, body: { Result: { cniVersion: '1.0.0', ips: [{ address: '10.1.0.2/24' }] } } })
    expect(JSON.parse(await readFile(join(world.directory, 'stdin-plexus'), 'utf8'))).toEqual({
      cniVersion: '1.0.0',
      name: 'plexus',
      type: 'plexus',
      stateDir: join(world.directory, 'state'),
      runDir: join(world.directory, 'run'),
      runtimeConfig: { portMappings: [] },
    })
    expect(await readFile(join(world.directory, 'env'), 'utf8')).toContain(`CNI_ARGS=${ARGS}\n`)
  })

  it.each(['DEL', 'CHECK', 'GC', 'STATUS'])('passes %s on and answers without a result', async (command) => {
    await world.plugin('plexus')
    await serving()
    expect(await world.postMultus('/cni', cniRequest(command))).toEqual({ status: 200, body: {} })
    expect(await world.calls()).toEqual([`${command} plexus eth0 /run/netns/c1`])
  })

  it("answers 400 and the shim's own CNI error", async () => {
    await world.plugin('plexus', `echo '{"code":7,"msg":"there is no such network; create it","details":"NetworkNotFound"}'; exit 1`)
    await serving()
    expect(await world.postMultus('/cni', cniRequest('ADD'))).toEqual({
      status: 400,
      body: { code: 7, msg: 'there is no such network; create it', details: 'NetworkNotFound' },
    })
  })

  it.each([
    ['no verb', { CNI_COMMAND: undefined }, 'CNI_COMMAND: it is missing'],
    ['an unknown verb', { CNI_COMMAND: 'PING' }, 'CNI_COMMAND: "PING" is not known here'],
    ['no container', { CNI_CONTAINERID: undefined }, 'CNI_CONTAINERID is missing'],
    ['no netns', { CNI_NETNS: undefined }, 'CNI_NETNS is missing'],
    ['no arguments', { CNI_ARGS: undefined }, 'CNI_ARGS is missing'],
    ['no namespace', { CNI_ARGS: 'K8S_POD_NAME=web' }, 'CNI_ARGS: K8S_POD_NAMESPACE is missing'],
    ['no pod', { CNI_ARGS: 'K8S_POD_NAMESPACE=default' }, 'CNI_ARGS: K8S_POD_NAME is missing'],
  ])('refuses a request with %s', async (_, env, sentence) => {
    await world.plugin('plexus')
    await serving()
    expect(message(await world.postMultus('/cni', cniRequest('DEL', env)))).toMatch(`400 4 ${sentence}`)
    expect(await world.calls()).toEqual([])
  })

  it.each([
    ['a config that is no JSON', cniRequest('ADD', {}, '{'), '400 6 config: '],
    ['a config that is no base64', { ...cniRequest('ADD'), config: '{}' }, '400 6 the request cannot be read: config'],
    ['an environment that is a list', { env: [], config: '' }, '400 6 the request cannot be read: env'],
  ])('refuses %s', async (_, body, sentence) => {
    await serving()
    expect(message(await world.postMultus('/cni', body))).toContain(sentence)
  })
})

describe('/delegate', () => {
  const B = { cniVersion: '1.0.0', name: 'b' }
  const ADDED = JSON.stringify(result('net9', '10.9.0.2/24'))
  beforeEach(async () => {
    await world.plugin('sec', `[ "$CNI_COMMAND" = ADD ] && echo '${ADDED}'; exit 0`)
    await serving()
    await add(world, 'c1')
  })
  const calls = async (): Promise<readonly string[]> => (await world.calls()).map((call) => call.replace(/ \/run\/.*$/, '').trim())

  it("attaches to the running pod, and the pod's record holds it", async () => {
    const answer = await world.postMultus('/delegate', delegateRequest('ADD'))
    expect(answer).toMatchObject({ status: 200, body: { Result: { cniVersion: '1.0.0', ips: [{ address: '10.9.0.2/24' }] } } })
    expect(await attachments()).toEqual(['cluster eth0 whole', 'default/a net1 whole', 'a net9 whole'])
    expect(world.events.notes.map(({ message: text }) => text)).toContain('Add net9 [10.9.0.2/24] from a')
  })

  it('is recorded before the plugin runs', async () => {
    await world.plugin('sec', `cp ${world.directory}/state/sandboxes/c1.json ${world.directory}/seen.json; echo '${ADDED}'`)
    await world.postMultus('/delegate', delegateRequest('ADD'))
    const seen: SandboxRecord = JSON.parse(await readFile(join(world.directory, 'seen.json'), 'utf8'))
    expect(seen.attachments.at(-1)).toMatchObject({ ifName: 'net9', pending: 'attaching' })
  })

  it("is detached by the pod's DEL", async () => {
    await world.postMultus('/delegate', delegateRequest('ADD'))
    const del = await world.post('/v1/del', operation('c1'))
    expect(del.body).toMatchObject({ attachments: [{ ifName: 'eth0' }, { ifName: 'net1' }, { ifName: 'net9', result: {} }] })
  })

  it('answers the same ADD again without executing it', async () => {
    await world.postMultus('/delegate', delegateRequest('ADD'))
    expect((await world.postMultus('/delegate', delegateRequest('ADD'))).status).toBe(200)
    expect(await calls()).toEqual(['ADD sec net9'])
  })

  it('takes what the annotation says of the interface, which the request cannot say', async () => {
    const config = { cniVersion: '1.0.0', name: 'shaped', type: 'sec', capabilities: { bandwidth: true, ips: true } }
    world.snapshot.put('default/shaped', usable(config))
    const bandwidth = { ingressRate: 1000, ingressBurst: 2000, egressRate: 0, egressBurst: 0 }
    annotate(JSON.stringify([{ name: 'shaped', interface: 'net9', bandwidth }]))
    await serving()
    const attributes = { ips: ['10.9.0.7/24'], 'cni-args': { a: 'b' } }
    await world.postMultus('/delegate', delegateRequest('ADD', { config, attributes }))
    expect(JSON.parse(await readFile(join(world.directory, 'stdin-sec'), 'utf8'))).toMatchObject({
      name: 'shaped',
      runtimeConfig: { bandwidth: { ingressRate: 1000 }, ips: ['10.9.0.7/24'] },
      args: { cni: { a: 'b' } },
    })
    expect(await attachments()).toContain('default/shaped net9 whole')
  })

  it.each([
    ['an interface of another network', { ifName: 'net1', config: { ...B, type: 'sec' } }, '400 7 net1: the pod has this interface'],
    ['a plugin with a path', { config: { ...B, type: '../sh' } }, '400 7 config.type: '],
    ['a meta-plugin', { config: { ...B, type: 'multus-shim' } }, '400 7 config.type: '],
    [
      'addresses that no plugin takes',
      { config: { ...B, type: 'sec' }, attributes: { ips: ['10.0.0.1/24'] } },
      '400 7 interfaceAttributes.ips',
    ],
  ])('refuses %s', async (_, change, sentence) => {
    expect(message(await world.postMultus('/delegate', delegateRequest('ADD', change)))).toContain(sentence)
    expect(await attachments()).toEqual(['cluster eth0 whole', 'default/a net1 whole'])
  })

  it('cannot bypass namespaceIsolation', async () => {
    world.snapshot.setProfile({ multusApi: 'Enabled', namespaceIsolation: 'Enabled' })
    expect(message(await world.postMultus('/delegate', delegateRequest('ADD')))).toContain('400 7 net9: the networks annotation')
    world.snapshot.put('other/a', usable({ cniVersion: '1.0.0', name: 'a', type: 'sec' }))
    annotate(JSON.stringify([{ name: 'a', namespace: 'other', interface: 'net9' }]))
    await serving()
    expect(message(await world.postMultus('/delegate', delegateRequest('ADD')))).toContain('namespaceIsolation forbids')
    expect(await calls()).toEqual([])
  })

  it('is undone when its plugin fails, with the code of the plugin', async () => {
    await world.plugin('sec', `[ "$CNI_COMMAND" = DEL ] || { echo '{"code":103,"msg":"no room"}'; exit 1; }`)
    expect(message(await world.postMultus('/delegate', delegateRequest('ADD')))).toBe(
      '400 103 ADD of network "a" on net9: plugin sec: no room',
    )
    expect(await calls()).toEqual(['ADD sec net9', 'DEL sec net9'])
    expect(await attachments()).toEqual(['cluster eth0 whole', 'default/a net1 whole'])
  })

  it('DEL executes with the config and the result of the ADD, and forgets the interface', async () => {
    await world.postMultus('/delegate', delegateRequest('ADD', { config: { cniVersion: '1.0.0', name: 'a', type: 'sec', mine: 1 } }))
    expect(await world.postMultus('/delegate', delegateRequest('DEL'))).toEqual({ status: 200, body: {} })
    expect(JSON.parse(await readFile(join(world.directory, 'stdin-sec'), 'utf8'))).toMatchObject({
      mine: 1,
      prevResult: { cniVersion: '1.0.0' },
    })
    expect(await attachments()).toEqual(['cluster eth0 whole', 'default/a net1 whole'])
    expect((await world.postMultus('/delegate', delegateRequest('DEL'))).status).toBe(200)
    expect(await calls()).toEqual(['ADD sec net9', 'DEL sec net9'])
  })

  it('DEL tells a failure and keeps the record, so that the pod DEL tries again', async () => {
    await world.postMultus('/delegate', delegateRequest('ADD'))
    await world.plugin('sec', `echo '{"code":11,"msg":"busy"}'; exit 1`)
    expect(message(await world.postMultus('/delegate', delegateRequest('DEL')))).toBe('400 11 DEL of network "a" on net9: plugin sec: busy')
    expect(await attachments()).toContain('a net9 detaching')
  })

  it('never detaches the primary', async () => {
    expect(message(await world.postMultus('/delegate', delegateRequest('DEL', { ifName: 'eth0' })))).toContain(
      "400 4 eth0: this is the pod's primary",
    )
  })

  it.each([
    ['CHECK', 'net1', { cniVersion: '1.0.0', name: 'a', type: 'sec' }],
    ['STATUS', 'net1', { cniVersion: '1.1.0', name: 'a', type: 'sec' }],
  ])('%s reaches the plugin', async (command, ifName, config) => {
    expect((await world.postMultus('/delegate', delegateRequest(command, { ifName, config }))).status).toBe(200)
    expect((await calls()).map((call) => call.split(' ', 2).join(' '))).toEqual([`${command} sec`])
  })

  it('does nothing to a sandbox that is not attached', async () => {
    const body = delegateRequest('ADD')
    const answer = await world.postMultus('/delegate', { ...body, env: { ...body.env, CNI_CONTAINERID: 'c2' } })
    expect(message(answer)).toContain('400 3 sandbox c2 has no record')
  })
})
