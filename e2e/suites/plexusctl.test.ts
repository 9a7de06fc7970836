import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Cluster } from '#cluster/cluster'
import type { Node } from '#cluster/node/node'
import { apply, eventSeen, networkStatus, nodesColumn, podRuns, removePod } from '../world/kube.ts'
import { macvlan, network, pod } from '../world/objects.ts'
import { identity, openWorld } from './world.ts'

const { checkout } = identity().place
let cluster: Cluster
let first: Node
let bin = ''

interface Ran {
  readonly code: number
  readonly out: string
}

/** Runs the bundle under the name of a kubectl plugin, as `kubectl plexus` does. */
async function plexusctl(argv: readonly string[]): Promise<Ran> {
  const path = `${dirname(process.execPath)}:/usr/bin:/bin`
  return new Promise((resolve) => {
    const options = { env: { PATH: path, KUBECONFIG: cluster.kubeconfig }, timeout: 60_000 }
    const child = execFile(join(bin, 'kubectl-plexus'), [...argv], options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, out: `${stdout}${stderr}` }),
    )
  })
}

beforeAll(async () => {
  const world = await openWorld()
  cluster = world.cluster
  first = world.first
  bin = await mkdtemp(join(tmpdir(), 'kubectl-plugins-'))
  await symlink(join(checkout, 'dist/plexusctl.mjs'), join(bin, 'kubectl-plexus'))
})
afterAll(async () => {
  await rm(bin, { recursive: true })
  await Promise.all(['ctl-right', 'ctl-wrong'].map((name) => removePod(cluster, name)))
  await cluster.kubectl(['delete', 'net-attach-def', 'ctl', '--ignore-not-found'])
})

describe('plexusctl on a real cluster', () => {
  it('validates the samples without a cluster, and names what is wrong in a file', async () => {
    expect(await plexusctl(['validate', '-f', join(checkout, 'config/samples')])).toMatchObject({
      code: 0,
      out: expect.stringContaining(', 0 errors'),
    })
    const file = join(bin, 'wrong.json')
    await writeFile(file, JSON.stringify(network({ name: 'x', config: { type: '../sh' } })))
    expect(await plexusctl(['validate', '-f', file])).toMatchObject({
      code: 1,
      out: expect.stringContaining('spec.config.type: "../sh" is not a plugin name'),
    })
  })

  it('explains a pod that has its networks', async () => {
    await apply(cluster, network({ name: 'ctl', config: macvlan('ctl', '10.62.9') }))
    await nodesColumn(cluster, 'ctl', '2/2')
    await apply(cluster, pod({ name: 'ctl-right', node: first.name, networks: 'ctl' }))
    const address = networkStatus(await podRuns(cluster, 'ctl-right'))[1]?.ips?.[0] ?? 'no address'
    const { code, out } = await plexusctl(['why', 'ctl-right'])
    expect(out).toContain('k8s.v1.cni.cncf.io/networks: ctl')
    expect(out).toMatch(/net1 {2}default\/ctl {2}macvlan/)
    expect(out).toContain(address)
    expect([code, out.trimEnd().split('\n').at(-1)]).toEqual([0, 'OK: nothing speaks against what it asks for'])
  })

  it('explains a pod that does not start, with the last error of its events', async () => {
    await apply(cluster, pod({ name: 'ctl-wrong', node: first.name, networks: 'ctl-none' }))
    await eventSeen(cluster, 'ctl-wrong', /FailedAttach/)
    const { code, out } = await plexusctl(['why', 'ctl-wrong'])
    expect(out).toMatch(/Last error\n {2}\w+: .*there is no NetworkAttachmentDefinition "ctl-none"/)
    expect([code, out]).toEqual([1, expect.stringContaining('Because\n  k8s.v1.cni.cncf.io/networks[0]: there is no')])
  })

  it('shows nodes and networks', async () => {
    const { out } = await plexusctl(['status'])
    for (const { name } of cluster.nodes) expect(out).toMatch(new RegExp(`${name} +True +default +primary`))
    expect(out).toMatch(/default\/ctl +macvlan +True +2\/2/)
  })
})
