import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { buildComponent } from '#cluster/build/build'
import { identity } from './world.ts'

const rule = z.object({
  apiGroups: z.array(z.string()),
  resources: z.array(z.string()),
  resourceNames: z.array(z.string()).default([]),
  verbs: z.array(z.string()),
})
const volume = z.looseObject({ name: z.string(), hostPath: z.object({ path: z.string(), type: z.string() }).optional() })
const mount = z.object({
  name: z.string(),
  mountPath: z.string(),
  readOnly: z.boolean().optional(),
  mountPropagation: z.string().optional(),
})
const container = z.looseObject({ image: z.string(), securityContext: z.json(), volumeMounts: z.array(mount).default([]) })
const podSpec = z.looseObject({ containers: z.array(container), volumes: z.array(volume).default([]), hostNetwork: z.boolean().optional() })
const object = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  rules: z.array(rule).optional(),
  spec: z.looseObject({ template: z.object({ spec: podSpec }).optional(), replicas: z.int().optional() }).optional(),
})
type Rendered = z.infer<typeof object>

const CLUSTER_KINDS = /^(Cluster|CustomResource|ValidatingAdmission|NodeNetworkProfile)/
const chart = join(identity().place.checkout, 'charts/plexus')
let helm = ''

beforeAll(async () => {
  const { place, environment } = identity()
  helm = join(await buildComponent('helm', { place, environment, progress: console.error }), 'helm')
})

interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function run(verb: string, ...words: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(helm, [verb, ...words, '--kube-version', '1.36.0'], { encoding: 'utf8' })
  return { code: status, stdout, stderr }
}

const template = (...words: readonly string[]): Ran => run('template', 'plexus', chart, '--namespace', 'net-a', ...words)
const sets = (values: readonly string[]): readonly string[] => values.flatMap((value) => ['--set', value])

function render(...values: readonly string[]): readonly Rendered[] {
  const { code, stdout, stderr } = template(...sets(values))
  if (code !== 0) throw new Error(stderr)
  return parseAllDocuments(stdout)
    .map((document): unknown => document.toJS())
    .filter((value) => value !== null)
    .map((value) => object.parse(value))
}

const ofKind = (objects: readonly Rendered[], kind: string): readonly Rendered[] => objects.filter((one) => one.kind === kind)

function podOf(objects: readonly Rendered[], kind: 'Deployment' | 'DaemonSet'): z.infer<typeof podSpec> {
  const found = ofKind(objects, kind)[0]?.spec?.template?.spec
  if (found === undefined) throw new Error(`the chart renders no ${kind}`)
  return found
}

describe('the chart', () => {
  it('passes helm lint without a warning', () => {
    const { code, stdout } = run('lint', chart, '--strict')
    expect(stdout).not.toMatch(/\[(WARNING|ERROR)\]/)
    expect(code).toBe(0)
  })

  it.each([
    ['its defaults', []],
    ['one replica', ['operator.replicas=1']],
    [
      'every option on',
      ['metrics.podMonitor.enabled=true', 'agent.httpHost=::', 'agent.allowEviction=true', 'profile.spec.onMissed=Evict'],
    ],
    [
      'every option off',
      [
        'crds.enabled=false',
        'profile.enabled=false',
        'rbac.aggregate=false',
        'agent.admissionPolicy.enabled=false',
        'agent.devices.enabled=false',
      ],
    ],
    [
      'further words everywhere',
      ['operator.extraArgs={--a}', 'agent.extraEnv[0].name=A', 'commonLabels.team=net', 'imagePullSecrets[0].name=s'],
    ],
  ])('renders with %s, twice the same, in any namespace', (_, values) => {
    const objects = render(...values)
    expect(template(...sets(values)).stdout).toBe(template(...sets(values)).stdout)
    for (const { kind, metadata } of objects) {
      expect([kind, metadata.name, metadata.namespace]).toEqual([kind, metadata.name, CLUSTER_KINDS.test(kind) ? undefined : 'net-a'])
      expect(metadata.labels).toMatchObject({ 'app.kubernetes.io/name': 'plexus', 'app.kubernetes.io/instance': 'plexus' })
    }
  })

  it.each([
    ['a mistyped section', 'agnet.httpPort=1', "additional properties 'agnet' not allowed"],
    ['a mistyped value', 'agent.httpport=1', "additional properties 'httpport' not allowed"],
    ['a mistyped field of the profile', 'profile.spec.primary.sorce=Auto', "additional properties 'sorce' not allowed"],
    ['an unknown word', 'image.pullPolicy=Sometimes', 'value must be one of'],
    ['text for a number', 'operator.replicas=two', 'want integer'],
    ['a profile with an unknown state', 'profile.spec.state=Gone', 'value must be one of'],
    ['eviction by a profile that agents may not do', 'profile.spec.onMissed=Evict', 'set agent.allowEviction=true'],
  ])('refuses %s', (_, value, sentence) => {
    const { code, stderr } = template('--set', value)
    expect(stderr).toContain(sentence)
    expect(code).not.toBe(0)
  })

  it('prefers the digest of the image to its tag', () => {
    const images = render('image.repository=reg/plexus', 'image.tag=v9', 'image.digest=sha256:abc').flatMap(
      (one) => one.spec?.template?.spec.containers.map(({ image }) => image) ?? [],
    )
    expect(images).toEqual(['reg/plexus@sha256:abc', 'reg/plexus@sha256:abc'])
  })

  it('has a disruption budget only where it does not block every drain', () => {
    expect(ofKind(render('operator.replicas=1'), 'PodDisruptionBudget')).toHaveLength(0)
    expect(ofKind(render(), 'PodDisruptionBudget')).toHaveLength(1)
  })

  it('renders further objects, as text or as values', () => {
    const one = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '{{ .Release.Name }}-a' } }
    const other = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-b'
    const { stdout } = template('--set-json', `extraObjects=${JSON.stringify([one, other])}`)
    expect(stdout).toContain("name: 'plexus-a'")
    expect(stdout).toContain('name: plexus-b')
  })
})

describe('the kinds in the chart', () => {
  const crds = (...values: readonly string[]): readonly string[] =>
    ofKind(render(...values), 'CustomResourceDefinition').map(
      ({ metadata }) => `${metadata.name} ${metadata.annotations?.['helm.sh/resource-policy'] ?? 'removable'}`,
    )
  const [shared, profiles, nodes] = [
    'network-attachment-definitions.k8s.cni.cncf.io',
    'nodenetworkprofiles.plexus.dev',
    'nodenetworks.plexus.dev',
  ]

  it.each([
    ['all kept', [], [`${shared} keep`, `${profiles} keep`, `${nodes} keep`]],
    ['the shared one kept whatever is said', ['crds.keep=false'], [`${shared} keep`, `${profiles} removable`, `${nodes} removable`]],
    ['the shared one alone', ['crds.enabled=false', 'crds.sharedNetworkPlumbing=always'], [`${shared} keep`]],
    ['own ones alone', ['crds.sharedNetworkPlumbing=never'], [`${profiles} keep`, `${nodes} keep`]],
  ])('come as: %s', (_, values, expected) => {
    expect(crds(...values).toSorted()).toEqual(expected)
  })
})

describe('privileges in the chart', () => {
  it('are those of the architecture page for the agent', () => {
    const pod = podOf(render(), 'DaemonSet')
    expect([pod.hostNetwork, pod['hostPID'], pod['hostIPC'], pod['shareProcessNamespace']]).toEqual([true, undefined, undefined, undefined])
    expect(pod.containers.map(({ securityContext }) => securityContext)).toEqual([
      {
        runAsUser: 0,
        runAsGroup: 0,
        privileged: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'], add: ['NET_ADMIN', 'NET_RAW', 'SYS_ADMIN', 'DAC_OVERRIDE'] },
        seccompProfile: { type: 'RuntimeDefault' },
        appArmorProfile: { type: 'Unconfined' },
        seLinuxOptions: { type: 'spc_t' },
      },
    ])
  })

  const hostPaths = (...values: readonly string[]): readonly string[] => {
    const pod = podOf(render(...values), 'DaemonSet')
    const mounts = pod.containers.flatMap(({ volumeMounts }) => volumeMounts)
    return pod.volumes.flatMap(({ name, hostPath }) => {
      const at = mounts.find((one) => one.name === name)
      return hostPath === undefined
        ? []
        : [[hostPath.path, at?.mountPath, at?.readOnly === true ? 'ro' : 'rw', at?.mountPropagation ?? 'none'].join(' ')]
    })
  }

  it('let the agent always see these host paths, at the same place, and no others', () => {
    expect(hostPaths('agent.devices.enabled=false')).toEqual([
      '/etc/cni/net.d /etc/cni/net.d rw none',
      '/opt/cni/bin /opt/cni/bin rw none',
      '/run/plexus /run/plexus rw none',
      '/var/lib/plexus /var/lib/plexus rw none',
      '/run/netns /run/netns rw HostToContainer',
      '/var/lib/cni /var/lib/cni rw none',
      '/run/cni /run/cni rw none',
      '/proc/sys/kernel/random/boot_id /host/boot_id ro none',
    ])
  })

  it.each([['the directory of Multus only when it is set', 'multusDir', '/run/multus']])('let the agent see %s', (_, value, path) => {
    expect(hostPaths().join()).not.toContain(path)
    expect(hostPaths(`agent.hostPaths.${value}=${path}`)).toContain(`${path} ${path} rw none`)
  })

  it('do not hold /run/cni where something else keeps the DHCP daemon', () => {
    expect(hostPaths('agent.dhcp.enabled=false').join()).not.toContain('/run/cni')
  })

  it('let the agent see, for devices alone, these host paths', () => {
    expect(hostPaths('agent.devices.enabled=true').filter((path) => !hostPaths('agent.devices.enabled=false').includes(path))).toEqual([
      '/var/lib/kubelet/pod-resources /var/lib/kubelet/pod-resources ro none',
      '/var/lib/kubelet/device-plugins /var/lib/kubelet/device-plugins ro none',
      '/var/run/k8s.cni.cncf.io/devinfo /var/run/k8s.cni.cncf.io/devinfo rw none',
    ])
  })

  it('are none for the operator', () => {
    const pod = podOf(render(), 'Deployment')
    expect(pod['securityContext']).toMatchObject({ runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } })
    expect(pod.volumes).toEqual([])
    expect(pod.hostNetwork).toBeUndefined()
    expect(pod.containers.map(({ securityContext }) => securityContext)).toEqual([
      { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    ])
  })
})

describe('access rights in the chart', () => {
  const rights = (kind: string, name: string, ...values: readonly string[]): readonly string[] =>
    ofKind(render(...values), kind)
      .filter(({ metadata }) => metadata.name === name)
      .flatMap(({ rules = [] }) => rules)
      .flatMap(({ apiGroups, resources, resourceNames, verbs }) => {
        const names = resourceNames.length > 0 ? ` [${resourceNames.join(' ')}]` : ''
        return apiGroups.flatMap((group) => resources.map((resource) => `${group}/${resource}${names} ${verbs.join(',')}`))
      })

  it('of the agent, in the whole cluster', () => {
    expect(rights('ClusterRole', 'plexus-node-agent')).toEqual([
      'k8s.cni.cncf.io/network-attachment-definitions get',
      'plexus.dev/nodenetworks get,create,patch',
      'plexus.dev/nodenetworks/status patch',
      '/nodes get',
      '/namespaces get',
      '/pods get,list,watch',
      '/pods/status patch',
      'resource.k8s.io/resourceclaims get',
      'resource.k8s.io/resourceslices list',
      'events.k8s.io/events create,patch',
    ])
    expect(rights('ClusterRole', 'plexus-node-agent', 'agent.allowEviction=true')).toContain('/pods/eviction create')
    expect(rights('ClusterRole', 'plexus-node-agent', 'agent.devices.enabled=false').join(' ')).not.toContain('resource.k8s.io')
  })

  it('of the agent, in its namespace', () => {
    expect(rights('Role', 'plexus-node-agent')).toEqual([
      'coordination.k8s.io/leases [plexus-operator] get',
      '/configmaps [plexus-stream-ca] get',
    ])
  })

  it('of the operator, in the whole cluster', () => {
    expect(rights('ClusterRole', 'plexus-operator')).toEqual([
      'k8s.cni.cncf.io/network-attachment-definitions get,list,watch',
      'k8s.cni.cncf.io/network-attachment-definitions/status patch',
      'plexus.dev/nodenetworkprofiles get,list,watch',
      'plexus.dev/nodenetworks get,list,watch',
      'plexus.dev/nodenetworkprofiles/status patch',
      '/nodes get,list,watch',
      '/namespaces get,list,watch',
      'apiextensions.k8s.io/customresourcedefinitions [network-attachment-definitions.k8s.cni.cncf.io] get,list,watch',
      'authentication.k8s.io/tokenreviews create',
      'events.k8s.io/events create,patch',
    ])
  })

  it('of the operator, in its namespace', () => {
    expect(rights('Role', 'plexus-operator')).toEqual([
      'coordination.k8s.io/leases [plexus-operator] get,update',
      '/secrets [plexus-stream-ca] get,update',
      '/configmaps [plexus-stream-ca] get,patch',
      '/services [plexus-stream] get',
      'discovery.k8s.io/endpointslices [plexus-stream-ipv4 plexus-stream-ipv6] get,patch,delete',
      'coordination.k8s.io/leases create',
      '/secrets create',
      '/configmaps create',
      'discovery.k8s.io/endpointslices create',
    ])
  })
})
