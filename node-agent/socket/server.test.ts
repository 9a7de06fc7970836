import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PlexusError } from '#api/errors'
import { parseCommit } from '#api/socket-schema'
import type { Health } from '#kube/process/http-endpoint'
import { fakeClock } from '#kube/process/clock.fake'
import { fakeLog } from '#kube/process/log.fake'
import { openSocketServer, route, type SocketServer } from './server.ts'

let directory = ''
let server: SocketServer | undefined
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'socket-'))))
afterEach(async () => {
  await server?.close(0)
  server = undefined
  await rm(directory, { recursive: true })
})

const socket = (): string => join(directory, 'cni/plexus.sock')
const clock = fakeClock()

async function serving(work: (signal: AbortSignal) => Promise<object>, ready: Health = { ok: true }): Promise<void> {
  const routes = new Map([['/v1/commit', route({ parse: parseCommit, deadlineMs: 5000, work: (_, signal) => work(signal) })]])
  server = await openSocketServer({ path: socket(), routes, ready: () => ready, clock, log: fakeLog() })
}

function ask(path: string, body?: string): Promise<{ readonly status: number; readonly body: unknown }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: socket(), path, method: body === undefined ? 'GET' : 'POST' }, (response) => {
      let text = ''
      response.on('data', (chunk) => void (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const commit = JSON.stringify({ protocol: 1, containerId: 'c1', results: [] })

/** Whether somebody listens there; the connection is given up at once. */
function connects(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(path, () => resolve(true)).on('error', () => resolve(false))
    connection.once('connect', () => connection.destroy())
  })
}

describe('the socket', () => {
  it('is for root alone', async () => {
    await serving(async () => ({}))
    const bits = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8)
    expect([await bits(join(directory, 'cni')), await bits(socket())]).toEqual(['700', '600'])
  })

  it('replaces the socket of a dead agent', async () => {
    await serving(async () => ({}))
    await server?.close(0)
    await writeFile(socket(), 'left over')
    await serving(async () => ({ fresh: true }))
    expect(await ask('/v1/commit', commit)).toEqual({ status: 200, body: { fresh: true } })
  })

  it.each([
    ['what is not JSON', '{', 400, { code: 6, details: 'Undecodable' }],
    ['a duplicate key', '{"protocol":1,"protocol":1}', 400, { code: 6, msg: expect.stringContaining('protocol') }],
    [
      'a field of the wrong type, naming it',
      '{"protocol":1,"containerId":5,"results":[]}',
      400,
      { code: 6, msg: expect.stringContaining('containerId') },
    ],
    ['a protocol of the future', '{"protocol":9,"containerId":"c","results":[]}', 400, { msg: expect.stringContaining('protocol') }],
    ['more than 4 MiB', `"${'x'.repeat(6 * 1024 * 1024)}"`, 400, { msg: expect.stringContaining('longer than 4194304 bytes') }],
  ])('refuses %s', async (_, body, status, error) => {
    await serving(async () => ({}))
    expect(await ask('/v1/commit', body)).toMatchObject({ status, body: error })
  })

  it('answers the errors of the registry as CNI errors and hides others', async () => {
    const thrown: Error[] = [new PlexusError('NetworkNotFound', 'no such network; create it'), new Error('internal detail')]
    await serving(() => Promise.reject(thrown.shift()))
    expect(await ask('/v1/commit', commit)).toEqual({
      status: 400,
      body: { code: 7, msg: 'no such network; create it', details: 'NetworkNotFound' },
    })
    const hidden = await ask('/v1/commit', commit)
    expect(hidden).toMatchObject({ status: 500, body: { code: 999 } })
    expect(JSON.stringify(hidden)).not.toContain('internal detail')
  })

  it('ends a request that takes too long with code 11', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    await serving((signal) => {
      resolve()
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const asked = ask('/v1/commit', commit)
    await promise
    await clock.advance(5001)
    expect(await asked).toMatchObject({ status: 400, body: { code: 11 } })
  })

  it('knows no other paths and tells its health', async () => {
    await serving(async () => ({}), { ok: false, reason: 'no primary yet' })
    expect(await ask('/v1/other', commit)).toMatchObject({ status: 404, body: { code: 2 } })
    expect(await ask('/healthz')).toEqual({ status: 200, body: { ok: true } })
    expect(await ask('/readyz')).toEqual({ status: 503, body: { ok: false, reason: 'no primary yet' } })
  })

  it('lets a running request end when it closes, and accepts no new one', async () => {
    const [begun, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<object>()]
    await serving(() => {
      begun.resolve()
      return finish.promise
    })
    const asked = ask('/v1/commit', commit)
    await begun.promise
    const closed = server?.close(10_000)
    while (await connects(socket())) await new Promise((resolve) => setImmediate(resolve)) // The listener closes with the next turn of the loop.
    finish.resolve({ late: true })
    expect(await asked).toEqual({ status: 200, body: { late: true } })
    await closed
  })
})
