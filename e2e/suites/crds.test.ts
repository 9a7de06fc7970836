import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Cluster } from '#cluster/cluster'
import { openWorld } from './world.ts'

const FOLDER = resolve(import.meta.dirname, '../../crds')

interface Crd {
  readonly spec: {
    readonly names: { readonly shortNames?: readonly string[]; readonly categories?: readonly string[] }
    readonly versions: readonly {
      readonly subresources?: { readonly status?: object }
      readonly additionalPrinterColumns?: readonly { readonly name: string }[]
    }[]
  }
  readonly status: { readonly conditions: readonly { readonly type: string; readonly status: string; readonly message: string }[] }
}

describe('the generated CRDs on the real API server', () => {
  let cluster: Cluster

  beforeAll(async () => {
    ;({ cluster } = await openWorld())
  })

  it.each(readdirSync(FOLDER).filter((file) => file.endsWith('.yaml')))(
    '%s is accepted twice by server-side apply without a conflict',
    async (file) => {
      const words = [
        'apply',
        '--server-side',
        '--dry-run=server',
        '--field-manager=plexus-e2e',
        '--force-conflicts',
        '-f',
        join(FOLDER, file),
      ]
      await cluster.kubectl(words)
      await cluster.kubectl(words)
    },
  )

  it.each([
    ['network-attachment-definitions.k8s.cni.cncf.io', ['net-attach-def', 'nad'], ['Type', 'IPAM', 'Ready', 'Nodes', 'Pods', 'Age']],
    ['nodenetworkprofiles.plexus.dev', [], ['Ready', 'Age']],
    ['nodenetworks.plexus.dev', [], ['Ready', 'Age']],
  ])('%s is structural, has a status, short names, a category and columns', async (name, shortNames, columns) => {
    const crd: Crd = JSON.parse(await cluster.kubectl(['get', 'crd', name, '-o', 'json']))
    expect(crd.status.conditions.filter((entry) => entry.type === 'NonStructuralSchema' && entry.status === 'True')).toEqual([])
    expect(crd.spec.names.shortNames ?? []).toEqual(expect.arrayContaining([...shortNames]))
    expect(crd.spec.names.categories).toContain('multinet')
    const [version] = crd.spec.versions
    expect(version?.subresources?.status).toEqual({})
    expect(version?.additionalPrinterColumns?.map((column) => column.name)).toEqual(expect.arrayContaining([...columns]))
  })

  it('upstream manifests pass unchanged: unknown fields in spec are not refused', async () => {
    const upstream = { apiVersion: 'k8s.cni.cncf.io/v1', kind: 'NetworkAttachmentDefinition', metadata: { name: 'crd-upstream' }, spec: {} }
    await cluster.kubectl(['apply', '--dry-run=server', '-f', '-'], { input: JSON.stringify(upstream) })
  })

  it('a profile with a wrong value is refused with the field', async () => {
    const profile = {
      apiVersion: 'plexus.dev/v1alpha1',
      kind: 'NodeNetworkProfile',
      metadata: { name: 'crd-wrong' },
      spec: { state: 'Gone' },
    }
    await expect(cluster.kubectl(['apply', '--dry-run=server', '-f', '-'], { input: JSON.stringify(profile) })).rejects.toThrow(
      /spec\.state/,
    )
  })

  it('crds/ says what the cluster serves', async () => {
    const text = readFileSync(join(FOLDER, 'plexus.dev_nodenetworks.yaml'), 'utf8')
    expect(text).toContain('nodenetworks.plexus.dev')
    expect(await cluster.kubectl(['get', 'multinet', '-A'])).toContain('nodenetwork')
  })
})
