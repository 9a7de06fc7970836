import type { SandboxRecord } from '#api/sandbox-record'
import { KubeError } from '#kube/kube-error'
import { connect } from '#kube/testing/connect'
import { type FakeApiServer, openFakeApiServer } from '#kube/testing/fake-apiserver'
import type { KubeClient } from '#kube/client'
import { pods } from '../pods/pod.ts'
import { openStatusWriter } from './status-writer.ts'

let api: FakeApiServer
let client: KubeClient
beforeEach(async () => {
  api = await openFakeApiServer({ resources: [pods] })
  client = connect({ url: api.url })
  api.put(pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'shop', name: 'web', uid: 'uid-1', annotations: { mine: 'kept' } },
    spec: {},
  })
})
afterEach(async () => {
  await client.close()
  await api.close()
})

function record(uid: string): SandboxRecord {
  const plugins = [{ type: 'macvlan', cniVersion: '1.0.0' }]
  const place = { network: 'shop/a', ifName: 'net1', primary: false, required: true, cniArgs: '', plugins, timeoutMs: 1 }
  const result = { interfaces: [{ name: 'net1', sandbox: '/x' }], ips: [{ address: '10.1.1.2/24', interface: 0 }] }
  return {
    version: 1,
    containerId: 'c1',
    state: 'attached',
    origin: 'agent',
    pod: { namespace: 'shop', name: 'web', uid },
    netns: '/x',
    ifName: 'eth0',
    cniVersion: '1.0.0',
    binDirs: [],
    bootId: 'b',
    changedAt: 0,
    changed: '',
    attachments: [{ ...place, result }],
  }
}

describe('network-status', () => {
  it('is one patch of the one annotation', async () => {
    expect(await openStatusWriter(client).write(record('uid-1'), { deadlineMs: 2000 })).toBe('written')
    expect(api.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['PATCH /api/v1/namespaces/shop/pods/web/status'])
    const { metadata } = api.get(pods, { namespace: 'shop', name: 'web' }) ?? {}
    const status = '[{\n    "name": "shop/a",\n    "interface": "net1",\n    "ips": [\n        "10.1.1.2"\n    ],\n    "dns": {}\n}]'
    expect(metadata).toMatchObject({ annotations: { mine: 'kept', 'k8s.v1.cni.cncf.io/network-status': status } })
  })

  it('never reaches a pod of the same name that took the place of ours', async () => {
    expect(await openStatusWriter(client).write(record('uid-0'), { deadlineMs: 2000 })).toBe('gone')
    expect(api.get(pods, { namespace: 'shop', name: 'web' })).toMatchObject({ metadata: { annotations: { mine: 'kept' } } })
  })

  it('is nothing for a pod that is gone', async () => {
    const { pod, ...rest } = record('uid-1')
    expect(await openStatusWriter(client).write({ ...rest, pod: { ...pod, name: 'other' } }, { deadlineMs: 2000 })).toBe('gone')
  })

  it('fails when the API server refuses', async () => {
    api.fault({ method: 'PATCH', times: 100 }, { kind: 'answer', status: 403, reason: 'Forbidden' })
    await expect(openStatusWriter(client).write(record('uid-1'), { deadlineMs: 2000 })).rejects.toBeInstanceOf(KubeError)
  })
})
