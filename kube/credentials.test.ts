import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Credentials } from './credentials.ts'
import { openInClusterCredentials } from './in-cluster-credentials.ts'
import { openKubeconfigCredentials } from './kubeconfig-credentials.ts'
import type { FakeClock } from './process/clock.fake.ts'
import { fakeClock } from './process/clock.fake.ts'
import type { FakeLog } from './process/log.fake.ts'
import { fakeLog } from './process/log.fake.ts'

const signal = new AbortController().signal
let directory: string
let clock: FakeClock
let log: FakeLog

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'credentials-'))
  clock = fakeClock()
  log = fakeLog()
})

afterEach(() => rm(directory, { recursive: true, force: true }))

const file = (name: string): string => join(directory, name)
const write = (name: string, text: string): Promise<void> => writeFile(file(name), text)

describe('in-cluster credentials', () => {
  const open = (host = '10.0.0.1'): Credentials =>
    openInClusterCredentials({ host, port: '443', tokenFile: file('token'), caFile: file('ca.crt'), clock, log })

  beforeEach(async () => {
    await write('token', 'one\n')
    await write('ca.crt', 'CA ONE')
  })

  it('gives the token as a header and the CA', async () => {
    const credentials = open()
    expect(credentials.server).toBe('https://10.0.0.1:443')
    await expect(credentials.authorize(signal)).resolves.toEqual({ tls: { ca: 'CA ONE' }, headers: { authorization: 'Bearer one' } })
  })

  it('puts an IPv6 address in brackets', () => {
    expect(open('fd00::1').server).toBe('https://[fd00::1]:443')
  })

  it('reads the files again after a minute, not before', async () => {
    const credentials = open()
    const first = await credentials.authorize(signal)
    await write('token', 'two')
    await clock.advance(59_000)
    await expect(credentials.authorize(signal)).resolves.toBe(first)
    await clock.advance(1000)
    await expect(credentials.authorize(signal)).resolves.toMatchObject({ headers: { authorization: 'Bearer two' } })
  })

  it('reads the files again at once when the server refused the token', async () => {
    const credentials = open()
    await credentials.authorize(signal)
    await write('token', 'two')
    credentials.forget()
    await expect(credentials.authorize(signal)).resolves.toMatchObject({ headers: { authorization: 'Bearer two' } })
  })

  it('gives the same TLS object as long as the CA is the same, so that connections are kept', async () => {
    const credentials = open()
    const first = await credentials.authorize(signal)
    credentials.forget()
    expect((await credentials.authorize(signal)).tls).toBe(first.tls)
    await write('ca.crt', 'CA TWO')
    credentials.forget()
    await expect(credentials.authorize(signal)).resolves.toMatchObject({ tls: { ca: 'CA TWO' } })
  })

  it('keeps the last token when a file cannot be read for a moment', async () => {
    const credentials = open()
    const first = await credentials.authorize(signal)
    await rm(file('token'))
    await clock.advance(60_000)
    await expect(credentials.authorize(signal)).resolves.toBe(first)
    expect(log.messages('warn')).toEqual(['credentials could not be read again; the last ones stay in use'])
  })

  it('names the files when there never was a token', async () => {
    await rm(file('token'))
    await expect(open().authorize(signal)).rejects.toMatchObject({
      reason: 'NoCredentials',
      message: expect.stringContaining(file('token')),
    })
  })
})

describe('kubeconfig credentials', () => {
  const config = (user: string, cluster = 'server: https://api.example:6443'): string =>
    [
      'apiVersion: v1',
      'kind: Config',
      'current-context: main',
      'contexts: [{name: main, context: {cluster: c, user: u}}, {name: lost, context: {cluster: nowhere, user: u}}]',
      `clusters: [{name: c, cluster: {${cluster}}}]`,
      `users: [{name: u, user: {${user}}}]`,
    ].join('\n')
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const open = (context?: string): Credentials => openKubeconfigCredentials({ file: file('config'), clock, context })

  it.each<[string, string, string, unknown]>([
    ['a token', 'token: abc', 'server: https://api.example:6443', { tls: {}, headers: { authorization: 'Bearer abc' } }],
    [
      'a password',
      'username: me, password: pw',
      'server: https://api.example:6443',
      { tls: {}, headers: { authorization: `Basic ${base64('me:pw')}` } },
    ],
    [
      'a client certificate',
      `client-certificate-data: ${base64('CERT')}, client-key-data: ${base64('KEY')}`,
      `server: https://api.example:6443, certificate-authority-data: ${base64('CA')}, tls-server-name: kube`,
      { tls: { ca: 'CA', cert: 'CERT', key: 'KEY', servername: 'kube' }, headers: {} },
    ],
  ])('gives %s', async (_, user, cluster, expected) => {
    await write('config', config(user, cluster))
    const credentials = open()
    expect(credentials.server).toBe('https://api.example:6443')
    await expect(credentials.authorize(signal)).resolves.toEqual(expected)
  })

  it('gives the same TLS object as long as nothing changed', async () => {
    await write('config', config(`client-certificate-data: ${base64('CERT')}, client-key-data: ${base64('KEY')}`))
    const credentials = open()
    const first = await credentials.authorize(signal)
    credentials.forget()
    expect((await credentials.authorize(signal)).tls).toBe(first.tls)
  })

  it('says what is wrong with the file', async () => {
    expect(() => open()).toThrow(`kubeconfig ${file('config')}: it cannot be read as one; give a file that kubectl can use`)
    await write('config', config('token: abc'))
    expect(() => open('lost')).toThrow('its context names no cluster')
  })
})
