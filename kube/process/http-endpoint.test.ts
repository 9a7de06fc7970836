import { fakeLog } from './log.fake.ts'
import type { Health, HttpEndpoint } from './http-endpoint.ts'
import { openHttpEndpoint } from './http-endpoint.ts'
import { openPromMetrics } from './prom-metrics.ts'

let endpoint: HttpEndpoint
let ready: Health
const metrics = openPromMetrics({ prefix: 'test_' })

beforeEach(async () => {
  ready = { ok: true }
  endpoint = await openHttpEndpoint({
    host: '127.0.0.1',
    port: 0,
    metrics,
    healthy: () => ({ ok: true }),
    ready: () => ready,
    log: fakeLog(),
  })
})

afterEach(() => endpoint.close())

async function get(path: string): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(`http://127.0.0.1:${endpoint.port}${path}`)
  return { status: answer.status, text: await answer.text() }
}

describe('http endpoint', () => {
  it('answers probes, with the reason when something is missing', async () => {
    await expect(get('/healthz')).resolves.toEqual({ status: 200, text: 'ok\n' })
    await expect(get('/readyz')).resolves.toEqual({ status: 200, text: 'ok\n' })
    ready = { ok: false, reason: 'waiting for the first snapshot' }
    await expect(get('/readyz?verbose')).resolves.toEqual({ status: 503, text: 'waiting for the first snapshot\n' })
  })

  it('answers a scrape with prefixed names', async () => {
    const requests = metrics.counter({ name: 'requests_total', help: 'Requests.', labels: ['verb'] })
    requests.with({ verb: 'get' }).add(2)
    metrics
      .counter({ name: 'requests_total', help: 'Requests.', labels: ['verb'] })
      .with({ verb: 'get' })
      .add()
    metrics.gauge({ name: 'depth', help: 'Depth.' }).with({}).set(4)
    metrics
      .histogram({ name: 'seconds', help: 'Seconds.', buckets: [1] })
      .with({})
      .observe(0.5)
    const { text } = await get('/metrics')
    expect(text).toContain('test_requests_total{verb="get"} 3')
    expect(text).toContain('test_depth 4')
    expect(text).toContain('test_seconds_bucket{le="1"} 1')
    requests.drop({ verb: 'get' })
    await expect(metrics.text()).resolves.not.toContain('verb="get"')
  })

  it('says what there is for any other path', async () => {
    await expect(get('/')).resolves.toEqual({ status: 404, text: 'not found; there are /metrics, /healthz and /readyz\n' })
  })

  it('refuses a port that is taken', async () => {
    const second = openHttpEndpoint({
      host: '127.0.0.1',
      port: endpoint.port,
      metrics,
      healthy: () => ({ ok: true }),
      ready: () => ready,
      log: fakeLog(),
    })
    await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})
