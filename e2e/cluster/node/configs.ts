// Decides the configuration of one node's kubelet, containerd, kube-proxy and primary network. Pure.
import { join } from 'node:path'
import { podSubnet } from '../control-plane/flags.ts'
import type { NodePlace } from '../place.ts'

/** What a suite may say of its nodes. */
export interface NodeSettings {
  readonly node: NodePlace
  /** Absolute path of the folder with the control plane's `pki/` and `kubeconfigs/`. */
  readonly controlPlane: string
  readonly maxPods: number
  readonly featureGates: Readonly<Record<string, boolean>>
  /** Merged over our KubeletConfiguration. */
  readonly kubeletConfig: Readonly<Record<string, unknown>>
  /** Whether the host has cgroup v1 hierarchies, which kubelet refuses unless told. */
  readonly cgroupV1: boolean
}

export const sandboxImage = 'localhost/plexus-pause:1'
export const containerdSocket = '/run/containerd/containerd.sock'

/** KubeletConfiguration: the defaults of a normal node, without eviction by a full disk and without what needs a host of its own. */
export function kubeletConfiguration(settings: NodeSettings): Readonly<Record<string, unknown>> {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: join(settings.controlPlane, 'pki/ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${settings.node.cgroup}`,
    ...(settings.cgroupV1 ? { failCgroupV1: false } : {}),
    enforceNodeAllocatable: [],
    failSwapOn: false,
    makeIPTablesUtilChains: false,
    localStorageCapacityIsolation: false,
    evictionHard: { 'imagefs.available': '0%', 'nodefs.available': '0%', 'nodefs.inodesFree': '0%' },
    imageGCHighThresholdPercent: 100,
    imageMaximumGCAge: '0s',
    clusterDNS: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
    resolvConf: join(settings.node.folder, 'resolv.conf'),
    volumePluginDir: '/var/lib/kubelet/volume-plugins',
    maxPods: settings.maxPods,
    registryPullQPS: 0,
    serializeImagePulls: false,
    oomScoreAdj: 0,
    ...(Object.keys(settings.featureGates).length === 0 ? {} : { featureGates: settings.featureGates }),
    ...settings.kubeletConfig,
  }
}

export function kubeletFlags(settings: NodeSettings): readonly string[] {
  return [
    `--config=${join(settings.node.folder, 'kubelet.json')}`,
    `--kubeconfig=${join(settings.controlPlane, `kubeconfigs/kubelet-${settings.node.name}.json`)}`,
    `--hostname-override=${settings.node.name}`,
    `--node-ip=${settings.node.address}`,
    '--root-dir=/var/lib/kubelet',
    '--node-labels=topology.kubernetes.io/region=plexus,topology.kubernetes.io/zone=plexus-1',
  ]
}

/**
 * containerd config version 3. `restrict_oom_score_adj`: where CAP_SYS_RESOURCE is missing every sandbox otherwise fails with
 * "can't get final child's PID from pipe: EOF".
 */
export function containerdConfig(options: { readonly runc: string }): string {
  return `version = 3
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
  address = "${containerdSocket}"

[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "${sandboxImage}"

[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["/opt/cni/bin"]
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      BinaryName = "${options.runc}"
      SystemdCgroup = false
`
}

/** Conntrack limits belong to the whole machine: 0 leaves them alone. */
export function kubeProxyConfiguration(settings: NodeSettings): Readonly<Record<string, unknown>> {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clusterCIDR: podSubnet,
    hostnameOverride: settings.node.name,
    clientConnection: { kubeconfig: join(settings.controlPlane, 'kubeconfigs/kube-proxy.json') },
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    oomScoreAdj: 0,
  }
}

/** The primary network that Plexus finds on its arrival: a bridge per node, one /22 each, routed between the nodes. */
export function primaryNetwork(node: NodePlace): Readonly<Record<string, unknown>> {
  return {
    cniVersion: '1.1.0',
    name: 'primary',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        hairpinMode: true,
        ipam: { type: 'host-local', ranges: [[{ subnet: node.podSubnet }]], routes: [{ dst: '0.0.0.0/0' }] },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  }
}

/** The plugins a node has before Plexus comes: those its primary network needs. */
export const primaryPlugins = ['bridge', 'host-local', 'loopback', 'portmap'] as const
