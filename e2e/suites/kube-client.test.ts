import { clientContract } from '#kube/client.contract'
import { openHttpClient } from '#kube/http-client'
import { openKubeconfigCredentials } from '#kube/kubeconfig-credentials'
import { fakeLog } from '#kube/process/log.fake'
import { systemClock } from '#kube/process/system-clock'
import { openTransport } from '#kube/transport'
import type { KubeClient } from '#kube/client'
import { holds, waitFor } from '#cluster/wait-for'
import { openWorld } from './world.ts'

const NAMESPACE = `contract-${Date.now().toString(36)}`

describe('kube/ against the real API server', () => {
  let client: KubeClient

  beforeAll(async () => {
    const { cluster } = await openWorld()
    await cluster.kubectl(['create', 'namespace', NAMESPACE])
    await waitFor(
      'the namespace has its default account',
      async () => {
        const found = await cluster.kubectl(['-n', NAMESPACE, 'get', 'serviceaccount', 'default', '--ignore-not-found', '-o', 'name'])
        return holds(found.trim() !== '', 'none')
      },
      { deadline: 30_000 },
    )
    const clock = systemClock()
    const credentials = openKubeconfigCredentials({ file: cluster.kubeconfig, clock })
    client = openHttpClient(openTransport({ credentials, clock, random: Math.random, log: fakeLog(), userAgent: 'plexus-e2e' }))
  })

  afterAll(async () => {
    await client.close()
    await (await openWorld()).cluster.kubectl(['delete', 'namespace', NAMESPACE, '--wait=false'])
  })

  clientContract('the real API server', () => ({ client, namespace: NAMESPACE, suffix: NAMESPACE }))
})
