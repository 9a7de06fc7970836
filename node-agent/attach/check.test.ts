import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SandboxRecord } from '#api/sandbox-record'
import type { OperationRequest } from '#api/socket'
import { check } from './check.ts'
import { openTestContext, sandbox, type TestContext } from './testing/context.ts'

const signal = new AbortController().signal
let directory = ''
let context: TestContext
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'check-'))
  const links = [{ name: 'eth0', mac: '', addresses: ['10.0.0.2'] }]
  context = { ...(await openTestContext(directory)), netnsDir: directory, netns: { read: async () => ({ links, routes: new Set() }) } }
})
afterEach(() => rm(directory, { recursive: true }))

const netns = (): string => join(directory, 'n1')

function request(change: object = {}): OperationRequest {
  const env = { CNI_CONTAINERID: 'c1', CNI_NETNS: netns(), CNI_IFNAME: 'eth0', ...change }
  return { protocol: 1, env, config: { cniVersion: '1.1.0' }, startedAt: 0, deadline: 1 }
}

function record(address: string, change: Partial<SandboxRecord> = {}): SandboxRecord {
  const base = sandbox({ netns: netns(), ...change })
  const result = { cniVersion: '1.0.0', ips: [{ address }] }
  return { ...base, attachments: base.attachments.map((attachment) => ({ ...attachment, result })) }
}

describe('CHECK', () => {
  it('answers the recorded attachments with their results when the kernel has them', async () => {
    await writeFile(netns(), '')
    await context.journal.create(record('10.0.0.2/24'))
    expect(await check(context, request(), signal)).toEqual({
      attachments: record('10.0.0.2/24').attachments,
      binDirs: [],
      cniVersion: '1.1.0',
    })
  })

  it.each<[string, () => SandboxRecord, boolean, object]>([
    [
      'an address is lost',
      () => record('10.0.0.3/24'),
      true,
      {
        code: 'CheckFailed',
        message:
          'CHECK of pod shop/web (sandbox c1): network "cluster" on eth0: the interface eth0 has lost the address 10.0.0.3/24; delete the pod to have it attached anew',
      },
    ],
    [
      'the namespace is gone',
      () => record('10.0.0.2/24'),
      false,
      { code: 'CheckFailed', message: expect.stringMatching(/its network namespace \S+n1 is gone/) },
    ],
    ['the sandbox is being deleted', () => record('10.0.0.2/24', { state: 'deleting' }), true, { code: 'UnknownContainer', cniCode: 3 }],
  ])('fails when %s', async (_, recorded, exists, error) => {
    if (exists) await writeFile(netns(), '')
    await context.journal.create(recorded())
    await expect(check(context, request(), signal)).rejects.toMatchObject(error)
  })

  it('is 3 for an unknown sandbox', async () => {
    await expect(check(context, request(), signal)).rejects.toMatchObject({ cniCode: 3 })
  })

  it('leaves a namespace that the agent does not see to the plugins', async () => {
    await context.journal.create(record('10.0.0.3/24'))
    expect(await check(context, request({ CNI_NETNS: '/proc/4711/ns/net' }), signal)).toMatchObject({ cniVersion: '1.1.0' })
  })
})
