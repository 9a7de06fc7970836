// Lists the host paths of which every node has its own; `/run` (and with it `/var/run`) is besides a tmpfs per boot.

/** On the machine these are at most empty folders: each node binds its own disk over them. */
export const ownPaths = [
  '/etc/cni',
  '/opt/cni',
  '/var/lib/cni',
  '/var/lib/containerd',
  '/var/lib/kubelet',
  '/var/lib/plexus',
  '/var/log/containers',
  '/var/log/pods',
] as const
