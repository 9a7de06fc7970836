import { networkAttachmentDefinition } from './network-attachment-definition.ts'
import { nodeNetworkProfile } from './node-network-profile.ts'

describe('NodeNetworkProfile', () => {
  it('has a default for everything, so that an empty spec is a whole profile', () => {
    const { spec } = nodeNetworkProfile.parse({ metadata: { name: 'default' } })
    expect(spec).toMatchObject({
      state: 'Installed',
      withoutAgent: 'PrimaryOnly',
      conf: { name: '00-plexus.conflist', cniVersion: 'auto' },
      primary: { source: 'Auto' },
    })
  })

  it.each([
    ['an unknown state', { state: 'Gone' }, 'state'],
    ['a relative directory', { extraBinDirs: ['bin'] }, 'extraBinDirs'],
    ['a conf that containerd would not read', { conf: { name: '../x' } }, 'conf'],
  ])('refuses %s and names the field', (_, spec, field) => {
    const parsed = nodeNetworkProfile.safeParse({ metadata: { name: 'p' }, spec })
    expect(parsed.error?.issues[0]?.path).toContain(field)
  })
})

describe('NetworkAttachmentDefinition', () => {
  it('is not stricter than upstream: empty specs and unknown keys pass', () => {
    expect(networkAttachmentDefinition.safeParse({ metadata: { name: 'a', namespace: 'b' } }).success).toBe(true)
    expect(networkAttachmentDefinition.safeParse({ metadata: { name: 'a' }, spec: { config: '{', other: 1 } }).success).toBe(true)
  })
})
