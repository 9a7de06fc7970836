// Decides what an administrator may say about the networks of a group of nodes: NodeNetworkProfile, the one source of its CRD, types and validation.
import { z } from 'zod'
import { labelSelector } from './label-selector.ts'
import { conditions, objectMeta, stringMap } from './meta.ts'

const names = (max: number): z.ZodArray<z.ZodString> => z.array(z.string().max(253)).max(max).meta({ 'x-kubernetes-list-type': 'atomic' })
const directories = z.array(z.string().max(512).regex(/^\//)).max(16).meta({ 'x-kubernetes-list-type': 'atomic' })

const primary = z.object({
  source: z
    .enum(['Auto', 'File', 'Network', 'Inline'])
    .default('Auto')
    .describe("Auto: the first conf in the conf directory that is not ours or Multus'."),
  file: z.string().max(512).optional().describe('For File: name of a file in the conf directory, or an absolute path.'),
  network: z
    .string()
    .max(317)
    .optional()
    .describe('For Network: namespace/name, or name: one in networkNamespace, else a conf of that name on the node.'),
  config: z.string().max(131072).optional().describe('For Inline: CNI configuration list as JSON.'),
})

const conf = z.object({
  name: z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9._-]+\.conflist$/)
    .default('00-plexus.conflist'),
  cniVersion: z.enum(['auto', '0.4.0', '1.0.0', '1.1.0']).default('auto').describe("auto: the newest that the node's runtime speaks."),
})

const namespaceDefaults = z
  .array(z.object({ selector: labelSelector, networks: names(16) }))
  .max(64)
  .meta({ 'x-kubernetes-list-type': 'atomic' })

/** Every default is here, so that `kubectl explain` and diff tools show it. */
export const profileSpec = z.object({
  nodeSelector: stringMap.default({}).describe('Labels a node must have. Empty: every node.'),
  priority: z
    .int()
    .min(-1000000)
    .max(1000000)
    .default(0)
    .describe('The highest priority that matches a node wins, then the oldest profile.'),
  state: z
    .enum(['Installed', 'Removed'])
    .default('Installed')
    .describe('Removed: agents take their conf and binaries off the node. Never implied by a deleted object.'),
  primary: primary.default({ source: 'Auto' }),
  conf: conf.default({ name: '00-plexus.conflist', cniVersion: 'auto' }),
  defaultNetworks: names(16)
    .default([])
    .describe(
      'Networks for every pod outside systemNamespaces: name (in networkNamespace, else a conf of that name on the node), namespace/name, or the absolute path of a conf or of a directory of confs.',
    ),
  namespaceDefaults: namespaceDefaults
    .default([])
    .describe('Further default networks for pods of the namespaces that a selector matches, written as in defaultNetworks.'),
  defaultDelegates: z
    .string()
    .max(4096)
    .default('')
    .describe(
      'For pods without tke.cloud.tencent.com/networks: what that annotation would say. The network that takes eth0 is their primary. Empty: the primary of the node.',
    ),
  auxiliaryChain: z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/)
    .optional()
    .describe('Plugins in <conf directory>/<this name>/*.conf run for every pod after its networks.'),
  networkNamespace: z
    .string()
    .max(63)
    .default('kube-system')
    .describe('Where default networks and v1.multus-cni.io/default-network are looked up.'),
  systemNamespaces: names(64).default(['kube-system']).describe('Pods here get no default networks.'),
  globalNamespaces: names(64).default(['default']).describe('Networks here may be used from every namespace.'),
  namespaceIsolation: z
    .enum(['Enabled', 'Disabled'])
    .default('Disabled')
    .describe('Enabled: a pod may use networks of its own and of global namespaces only.'),
  plugins: names(32)
    .default([
      'bandwidth',
      'bridge',
      'dhcp',
      'dummy',
      'firewall',
      'host-device',
      'host-local',
      'ipvlan',
      'loopback',
      'macvlan',
      'portmap',
      'ptp',
      'sbr',
      'static',
      'tap',
      'tuning',
      'vlan',
      'vrf',
    ])
    .describe('Reference plugins that agents install. A foreign file of the same name is never overwritten.'),
  extraBinDirs: directories.default([]),
  extraConfDirs: directories.default([]),
  readinessFile: z.string().max(512).optional().describe('The primary is taken as ready once this file exists.'),
  log: z.object({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') }).default({ level: 'info' }),
  parameters: stringMap.default({}).describe("Values for ${profile.parameters['k']} in network configurations."),
  withoutAgent: z.enum(['PrimaryOnly', 'Fail']).default('PrimaryOnly').describe('What plain pods get while the agent is away.'),
  statusWrite: z.enum(['Retry', 'Fail']).default('Retry').describe('Fail: a pod does not start when its network-status cannot be written.'),
  onMissed: z.enum(['Report', 'Evict']).default('Report').describe('What happens to pods that ask for networks and started without them.'),
  strictCapabilities: z
    .enum(['Enabled', 'Disabled'])
    .default('Enabled')
    .describe('Enabled: a request that no plugin of the network can honour fails the pod.'),
  multusApi: z
    .enum(['Enabled', 'Disabled'])
    .default('Disabled')
    .describe("Enabled: agents serve Multus' socket /run/multus/multus.sock for its shim and for hotplug controllers."),
  delegateTimeoutSeconds: z.int().min(1).max(300).default(60),
})

export const profileStatus = z.object({
  observedGeneration: z.int().min(0).optional(),
  conditions: conditions.optional(),
  nodes: z.object({ desired: z.int().min(0), ready: z.int().min(0), summary: z.string().max(32) }).optional(),
})

export const nodeNetworkProfile = z.object({
  apiVersion: z.literal('plexus.dev/v1alpha1').optional(),
  kind: z.literal('NodeNetworkProfile').optional(),
  metadata: objectMeta,
  spec: profileSpec.prefault({}),
  status: profileStatus.optional(),
})

export type ProfileSpec = Readonly<z.infer<typeof profileSpec>>
export type NodeNetworkProfile = Readonly<z.infer<typeof nodeNetworkProfile>>
export type ProfileStatus = Readonly<z.infer<typeof profileStatus>>
