// Decides what may be said to the agent on its command line, and what it assumes. Never reads the environment.
import { parseArgs } from 'node:util'
import { type NodeName, parseNodeName } from '#api/ids'
import { isError } from '#kube/process/is-error'
import type { DeviceDirs } from './devices/pod-devices.ts'

/** Everything the agent is told when it starts. Paths are the same inside and outside of its container. */
export interface AgentFlags {
  readonly nodeName: NodeName
  /** Namespace of the operator: where its Lease and its CA lie. */
  readonly namespace: string
  readonly stateDir: string
  readonly runDir: string
  readonly confDir: string
  readonly binDir: string
  readonly imageBinDir: string
  readonly bootIdFile: string
  /** Projected token for the operator (audience plexus). */
  readonly tokenFile: string
  /** Directory with token and ca.crt for the API server. */
  readonly serviceAccountDir: string
  readonly httpHost: string
  readonly httpPort: number
  /** Cluster IP of the stream's Service; undefined: the Lease says where the leader is. */
  readonly streamHost: string | undefined
  readonly streamPort: number
  readonly caConfigMap: string
  readonly lease: string
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly netnsDir: string
  readonly cniCacheDir: string
  /** Directory of Multus' socket; undefined: it cannot be served. */
  readonly multusDir: string | undefined
  /** Socket of the daemon for `ipam: dhcp`, which the agent keeps while pods of this node need it; undefined: somebody else does. */
  readonly dhcpSocket: string | undefined
  /** Where the node's devices are known; undefined: they are not this agent's business. */
  readonly devices: DeviceDirs | undefined
}

const FLAGS = {
  'node-name': { type: 'string' },
  namespace: { type: 'string' },
  'state-dir': { type: 'string', default: '/var/lib/plexus' },
  'run-dir': { type: 'string', default: '/run/plexus' },
  'conf-dir': { type: 'string', default: '/etc/cni/net.d' },
  'bin-dir': { type: 'string', default: '/opt/cni/bin' },
  'image-bin-dir': { type: 'string', default: '/opt/plexus/bin' },
  'boot-id-file': { type: 'string', default: '/proc/sys/kernel/random/boot_id' },
  'token-file': { type: 'string', default: '/var/run/secrets/plexus/token' },
  'service-account-dir': { type: 'string', default: '/var/run/secrets/kubernetes.io/serviceaccount' },
  'http-host': { type: 'string', default: '127.0.0.1' },
  'http-port': { type: 'string', default: '9465' },
  'stream-service-host': { type: 'string' },
  'stream-service-port': { type: 'string', default: '8444' },
  'ca-configmap': { type: 'string', default: 'plexus-stream-ca' },
  lease: { type: 'string', default: 'plexus-operator' },
  'log-level': { type: 'string', default: 'info' },
  'netns-dir': { type: 'string', default: '/run/netns' },
  'cni-cache-dir': { type: 'string', default: '/var/lib/cni/results' },
  'multus-dir': { type: 'string' },
  'dhcp-socket': { type: 'string' },
  'pod-resources-dir': { type: 'string' },
  'device-plugins-dir': { type: 'string' },
  'device-info-dir': { type: 'string' },
} as const

/** Parses the arguments; the answer of a failure is a sentence. */
export function parseFlags(
  argv: readonly string[],
): { readonly ok: true; readonly flags: AgentFlags } | { readonly ok: false; readonly message: string } {
  try {
    const { values } = parseArgs({ args: [...argv], options: FLAGS, strict: true, allowPositionals: false })
    return {
      ok: true,
      flags: {
        nodeName: nodeNameOf(values['node-name']),
        namespace: needed('namespace', values.namespace),
        stateDir: values['state-dir'],
        runDir: values['run-dir'],
        confDir: values['conf-dir'],
        binDir: values['bin-dir'],
        imageBinDir: values['image-bin-dir'],
        bootIdFile: values['boot-id-file'],
        tokenFile: values['token-file'],
        serviceAccountDir: values['service-account-dir'],
        httpHost: values['http-host'],
        httpPort: portOf('http-port', values['http-port']),
        streamHost: given(values['stream-service-host']),
        streamPort: portOf('stream-service-port', given(values['stream-service-port']) ?? '8444'),
        caConfigMap: values['ca-configmap'],
        lease: values.lease,
        logLevel: levelOf(values['log-level']),
        netnsDir: values['netns-dir'],
        cniCacheDir: values['cni-cache-dir'],
        multusDir: given(values['multus-dir']),
        dhcpSocket: given(values['dhcp-socket']),
        devices: devicesOf(values),
      },
    }
  } catch (error) {
    return { ok: false, message: isError(error) ? error.message : String(error) }
  }
}

/** All three or none: half of them would find devices and then lose them. */
function devicesOf(values: {
  readonly 'pod-resources-dir'?: string | undefined
  readonly 'device-plugins-dir'?: string | undefined
  readonly 'device-info-dir'?: string | undefined
}): DeviceDirs | undefined {
  const [pods, plugins, info] = [values['pod-resources-dir'], values['device-plugins-dir'], values['device-info-dir']]
  if (pods === undefined && plugins === undefined && info === undefined) return undefined
  return {
    podResourcesDir: needed('pod-resources-dir', pods),
    devicePluginsDir: needed('device-plugins-dir', plugins),
    deviceInfoDir: needed('device-info-dir', info),
  }
}

/** Kubernetes leaves `$(NAME)` in an argument when the variable does not exist: the Service was created after the pod. */
function given(value: string | undefined): string | undefined {
  return value === undefined || value === '' || value.startsWith('$(') ? undefined : value
}

function needed(flag: string, value: string | undefined): string {
  if (value === undefined || value === '') throw new Error(`--${flag} is missing; give it a value`)
  return value
}

function nodeNameOf(value: string | undefined): NodeName {
  const name = parseNodeName(needed('node-name', value))
  if (name === undefined) throw new Error(`--node-name: "${value}" is not a node name; give spec.nodeName of the pod`)
  return name
}

function portOf(flag: string, value: string): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN
  if (!(port <= 65535)) throw new Error(`--${flag}: "${value}" is not a port; give a number from 0 to 65535`)
  return port
}

function levelOf(value: string): AgentFlags['logLevel'] {
  if (value === 'debug' || value === 'info' || value === 'warn' || value === 'error') return value
  throw new Error(`--log-level: "${value}" is not a level; give debug, info, warn or error`)
}
