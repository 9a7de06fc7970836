// Lists the Debian packages that the cluster tool, the image builds and the nodes need, each with a program that shows it is there.

/** `program` is looked for on PATH, or is a path of its own. */
export interface NeededPackage {
  readonly name: string
  readonly program: string
  readonly for: string
}

export const neededPackages: readonly NeededPackage[] = [
  { name: 'buildah', program: 'buildah', for: 'building images' },
  { name: 'mmdebstrap', program: 'mmdebstrap', for: 'the base image' },
  { name: 'musl-tools', program: 'musl-gcc', for: 'static programs' },
  { name: 'gcc', program: 'gcc', for: 'runc and static programs' },
  { name: 'libc6-dev', program: '/usr/include/stdio.h', for: 'runc' },
  { name: 'linux-libc-dev', program: '/usr/include/linux/types.h', for: 'runc' },
  { name: 'libseccomp-dev', program: '/usr/include/seccomp.h', for: 'runc' },
  { name: 'pkg-config', program: 'pkg-config', for: 'runc' },
  { name: 'iproute2', program: 'ip', for: 'wiring nodes' },
  { name: 'iptables', program: 'iptables', for: 'the portmap plugin' },
  { name: 'nftables', program: 'nft', for: 'kube-proxy and cutting nodes' },
  { name: 'mount', program: 'mount', for: "nodes' directories" },
  { name: 'util-linux', program: 'unshare', for: 'namespaces' },
  { name: 'procps', program: 'ps', for: 'collecting logs' },
]
