// Decides the command line of every control-plane component. Pure.
import { join } from 'node:path'

/** Everything the flags depend on. Folders and files are absolute paths. */
export interface ControlPlaneSettings {
  /** Holds `pki/`, `tokens.csv`, `kubeconfigs/`, etcd's data and the logs. */
  readonly folder: string
  readonly apiAddress: string
  /** Whether the API server writes an audit log (one JSON line a request, level Metadata). */
  readonly audit: boolean
  readonly featureGates: Readonly<Record<string, boolean>>
}

export const serviceSubnet = '10.96.0.0/16'
export const podSubnet = '10.244.0.0/16'
export const apiPort = 6443

const gates = (settings: ControlPlaneSettings): readonly string[] => {
  const list = Object.entries(settings.featureGates).map(([name, on]) => `${name}=${on}`)
  return list.length === 0 ? [] : [`--feature-gates=${list.join(',')}`]
}

/** etcd answers only inside the control plane's network namespace; the data of a test cluster need no fsync. */
export function etcdFlags({ folder }: ControlPlaneSettings): readonly string[] {
  return [
    '--name=etcd',
    `--data-dir=${join(folder, 'etcd')}`,
    '--unsafe-no-fsync',
    '--listen-client-urls=http://127.0.0.1:2379',
    '--advertise-client-urls=http://127.0.0.1:2379',
    '--listen-peer-urls=http://127.0.0.1:2380',
    '--initial-advertise-peer-urls=http://127.0.0.1:2380',
    '--initial-cluster=etcd=http://127.0.0.1:2380',
    '--snapshot-count=10000',
  ]
}

/**
 * The API server runs where no kube-proxy does: with aggregator routing it calls webhooks at their pods' addresses.
 * Kubelets are called by address, since no name of a node resolves.
 */
export function apiserverFlags(settings: ControlPlaneSettings): readonly string[] {
  const pki = (file: string): string => join(settings.folder, 'pki', file)
  return [
    `--advertise-address=${settings.apiAddress}`,
    `--secure-port=${apiPort}`,
    '--etcd-servers=http://127.0.0.1:2379',
    `--service-cluster-ip-range=${serviceSubnet}`,
    `--client-ca-file=${pki('ca.crt')}`,
    `--tls-cert-file=${pki('apiserver.crt')}`,
    `--tls-private-key-file=${pki('apiserver.key')}`,
    `--kubelet-client-certificate=${pki('kubelet-client.crt')}`,
    `--kubelet-client-key=${pki('kubelet-client.key')}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${pki('service-account.pub')}`,
    `--service-account-signing-key-file=${pki('service-account.key')}`,
    `--token-auth-file=${join(settings.folder, 'tokens.csv')}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--enable-aggregator-routing=true',
    '--allow-privileged=true',
    '--watch-cache=true',
    ...(settings.audit
      ? [
          `--audit-policy-file=${join(settings.folder, 'audit-policy.json')}`,
          `--audit-log-path=${auditLogOf(settings.folder)}`,
          '--audit-log-maxsize=2000',
        ]
      : []),
    ...gates(settings),
  ]
}

export function controllerManagerFlags(settings: ControlPlaneSettings): readonly string[] {
  const pki = (file: string): string => join(settings.folder, 'pki', file)
  return [
    `--kubeconfig=${join(settings.folder, 'kubeconfigs/controller-manager.json')}`,
    '--bind-address=127.0.0.1',
    '--leader-elect=false',
    '--use-service-account-credentials=true',
    `--root-ca-file=${pki('ca.crt')}`,
    `--service-account-private-key-file=${pki('service-account.key')}`,
    `--cluster-signing-cert-file=${pki('ca.crt')}`,
    `--cluster-signing-key-file=${pki('ca.key')}`,
    `--cluster-cidr=${podSubnet}`,
    ...gates(settings),
  ]
}

export function schedulerFlags(settings: ControlPlaneSettings): readonly string[] {
  return [
    `--kubeconfig=${join(settings.folder, 'kubeconfigs/scheduler.json')}`,
    '--bind-address=127.0.0.1',
    '--leader-elect=false',
    ...gates(settings),
  ]
}

/** One line for every finished request, without bodies. */
export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
} as const

export const auditLogOf = (folder: string): string => join(folder, 'logs/audit.log')
