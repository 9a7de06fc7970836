// Builders with defaults for the shim's tests: a call, a plan, a node file.
import type { NodeFile } from '#api/node-file'
import type { OperationAnswer, PlannedAttachment } from '#api/socket'
import { shim } from '../shim.ts'
import { BIN, type FakeSystem } from '../system.fake.ts'

export const conf = { cniVersion: '1.1.0', name: 'plexus', type: 'plexus' }

export const environ = {
  CNI_CONTAINERID: 'abc',
  CNI_NETNS: '/run/netns/a',
  CNI_IFNAME: 'eth0',
  CNI_ARGS: 'K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_UID=u-1',
  CNI_PATH: BIN,
  PATH: '/bin',
}

/** Plugins by name, `bridge+portmap`. */
export function attachment(network: string, ifName: string, plugins: string, change: Partial<PlannedAttachment> = {}): PlannedAttachment {
  const confs = plugins.split('+').map((type) => ({ cniVersion: '1.0.0', name: network, type }))
  return {
    network,
    ifName,
    primary: ifName === 'eth0',
    required: true,
    cniArgs: `N=${network}`,
    plugins: confs,
    timeoutMs: 60_000,
    ...change,
  }
}

export function plan(...attachments: readonly PlannedAttachment[]): OperationAnswer {
  return { attachments, binDirs: [], cniVersion: '1.1.0' }
}

export function nodeFile(change: Partial<NodeFile> = {}): string {
  const node: NodeFile = {
    version: 1,
    primary: { name: 'cluster', cniVersion: '1.0.0', plugins: [{ cniVersion: '1.0.0', name: 'cluster', type: 'bridge' }] },
    binDirs: [],
    withoutAgent: 'PrimaryOnly',
    primaryNeedsAgent: false,
    defaultNetworks: false,
    systemNamespaces: ['kube-system'],
    namespacesWithDefaults: [],
    delegateTimeoutMs: 60_000,
  }
  return JSON.stringify({ ...node, ...change })
}

/** One call of the whole shim. Answers its parsed stdout and its exit code. */
export function call(
  system: FakeSystem,
  command: string,
  change: { readonly env?: Readonly<Record<string, string>>; readonly conf?: object; readonly stdin?: string } = {},
): { readonly exitCode: number; readonly out: Record<string, unknown> | undefined } {
  const env = { ...environ, CNI_COMMAND: command, ...change.env }
  const stdin = change.stdin ?? JSON.stringify({ ...conf, ...change.conf })
  const { exitCode, stdout } = shim(system, { environ: env, stdin, startedAt: system.now, about: 'plexus-cni-shim test' })
  const out: Record<string, unknown> | undefined = stdout === '' ? undefined : JSON.parse(stdout)
  return { exitCode, out }
}
