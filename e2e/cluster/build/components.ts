// Lists what a cluster is built from and how: one Go module each, pinned in `components/<name>/go.mod`. Decides the cache key, builds nothing.
import { createHash } from 'node:crypto'

/** One Go module whose `tool` packages are the binaries. */
export interface Component {
  readonly name: string
  readonly cgo: boolean
  /** Build tags. */
  readonly tags: readonly string[]
  /** Linker flags beyond `-s -w`. */
  readonly linkerFlags: readonly string[]
  /** Binaries whose package name is not what we call them. */
  readonly renames: Readonly<Record<string, string>>
}

const kubernetesVersion = 'v1.36.3'
const plain = { cgo: false, tags: [], linkerFlags: [], renames: {} } as const

/** In the order of building: the longest first. Without gitVersion nodes and Helm would see v0.0.0-master. */
export const components: readonly Component[] = [
  {
    ...plain,
    name: 'kubernetes',
    linkerFlags: [
      `-X k8s.io/component-base/version.gitVersion=${kubernetesVersion}`,
      '-X k8s.io/component-base/version.gitMajor=1',
      '-X k8s.io/component-base/version.gitMinor=36',
    ],
  },
  { ...plain, name: 'containerd' },
  { ...plain, name: 'helm' },
  { ...plain, name: 'etcd', renames: { server: 'etcd' } },
  { ...plain, name: 'cni-plugins' },
  { ...plain, name: 'runc', cgo: true, tags: ['seccomp'] },
]

/** What no cluster needs, but suites do: Multus' own shim, which must work against our socket. */
export const suiteComponents: readonly Component[] = [{ ...plain, name: 'multus' }]

/** The arguments of `go build`, run in the component's folder; `output` is a folder. */
export function buildArguments(component: Component, output: string): readonly string[] {
  const linker = ['-s', '-w', ...component.linkerFlags].join(' ')
  return ['build', '-trimpath', '-buildvcs=false', '-tags', component.tags.join(','), '-ldflags', linker, '-o', `${output}/`, 'tool']
}

/** What Go must see, whatever the user's own settings are. */
export function buildEnvironment(
  component: Component,
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return { ...own, CGO_ENABLED: component.cgo ? '1' : '0', GOFLAGS: '-mod=readonly', GOWORK: 'off', GOTOOLCHAIN: 'local' }
}

/** Changes whenever the binaries could: module files, flags, Go version. */
export function buildKey(component: Component, inputs: { readonly goVersion: string; readonly moduleFiles: readonly string[] }): string {
  const hash = createHash('sha256')
  for (const part of [JSON.stringify(component), buildArguments(component, '').join('\0'), inputs.goVersion, ...inputs.moduleFiles])
    hash.update(`${part}\0`)
  return hash.digest('hex').slice(0, 16)
}
