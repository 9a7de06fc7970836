// Connects a client to a fake API server for tests, with a clock and a log of the test's choice.
import type { KubeClient, RequestSeen } from '../client.ts'
import type { Credentials } from '../credentials.ts'
import { openHttpClient } from '../http-client.ts'
import type { Clock } from '../process/clock.ts'
import { fakeLog } from '../process/log.fake.ts'
import type { Log } from '../process/log.ts'
import { systemClock } from '../process/system-clock.ts'
import { openTransport } from '../transport.ts'

export interface ConnectOptions {
  readonly url: string
  readonly token?: string
  readonly clock?: Clock
  readonly log?: Log
  readonly onRequest?: (seen: RequestSeen) => void
}

/** Credentials that never change. */
export function staticCredentials(url: string, token?: string): Credentials {
  const tls = {}
  return {
    server: url,
    authorize: async () => ({ tls, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } }),
    forget: () => undefined,
  }
}

/** A client whose back-off is as short as its random source makes it. */
export function connect(options: ConnectOptions): KubeClient {
  const transport = openTransport({
    credentials: staticCredentials(options.url, options.token),
    clock: options.clock ?? systemClock(),
    random: () => 0,
    log: options.log ?? fakeLog(),
    userAgent: 'kube-test',
    onRequest: options.onRequest,
  })
  return openHttpClient(transport)
}
