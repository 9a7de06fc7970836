import { fakeClock } from '#kube/process/clock.fake'
import { fakeLog } from '#kube/process/log.fake'
import { fakeMetrics } from '#kube/process/metrics.fake'
import { until } from '#kube/testing/until'
import { startCertificateRenewal } from './certificate-renewal.ts'
import { type Authority, createAuthority } from './certificates.ts'

const hour = 3_600_000
const day = 24 * hour

async function setUp() {
  const clock = fakeClock()
  const state: { authority: Authority; looks: number; failing: boolean } = {
    authority: await createAuthority(clock.now()),
    looks: 0,
    failing: false,
  }
  const store = {
    ensure: async (): Promise<Authority> => {
      state.looks += 1
      if (state.failing) throw new Error('the API server is away')
      return state.authority
    },
  }
  const renewed: string[] = []
  const log = fakeLog()
  const metrics = fakeMetrics()
  const ending = new AbortController()
  const names = ['plexus-operator.x.svc']
  const onRenewed = ({ cert }: { readonly cert: string }): void => void renewed.push(cert)
  const renewal = await startCertificateRenewal({ store, names, clock, log, metrics, signal: ending.signal, onRenewed })
  /** Lets an hour pass and the look at its end be over. */
  const look = async (ms = hour): Promise<void> => {
    const before = state.looks
    await clock.advance(ms)
    await until('the certificate was looked at', () => state.looks > before && clock.timers() > 0)
  }
  return { clock, state, renewed, log, metrics, ending, renewal, look }
}

describe('the renewal of the serving certificate', () => {
  it('issues nothing new while nothing is due', async () => {
    const { renewed, look, metrics } = await setUp()
    await look()
    expect(renewed).toEqual([])
    expect(metrics.value('credential_expiry_seconds', { kind: 'stream-serving' })).toBe((90 * day - hour) / 1000)
  })

  it('issues a new one at two thirds of its life', async () => {
    const { clock, renewed, renewal } = await setUp()
    await clock.advance(61 * day)
    await until('it was renewed', () => renewed.length > 0)
    expect(renewed).toHaveLength(1)
    expect(renewed[0]).not.toBe(renewal.certificate.cert)
  })

  it('issues a new one when the CA was rotated', async () => {
    const { clock, state, renewed, look } = await setUp()
    state.authority = await createAuthority(clock.now())
    await look()
    await until('it was renewed', () => renewed.length === 1)
  })

  it('keeps the present one and tries again while the CA cannot be read', async () => {
    const { state, renewed, log, look } = await setUp()
    state.failing = true
    await look()
    expect([renewed, log.messages('warn')]).toEqual([[], ['the stream certificate could not be checked; the present one stays']])
    state.failing = false
    await look(60_000)
    expect(log.messages('warn')).toHaveLength(1)
  })

  it('leaves no timer behind', async () => {
    const { clock, renewal, ending } = await setUp()
    ending.abort()
    renewal.stop()
    expect(clock.timers()).toBe(0)
  })
})
