import { accessesFor, kubeconfigFor, tokenFile } from './access.ts'

const accesses = accessesFor(['node-1', 'node-2'], () => 't')

describe('accessesFor', () => {
  it('gives every node the identity that the Node authorizer knows', () => {
    expect(accesses.filter((access) => access.groups.includes('system:nodes')).map((access) => access.user)).toEqual([
      'system:node:node-1',
      'system:node:node-2',
    ])
  })

  it('writes one row of four fields a user, the groups quoted', () => {
    expect(tokenFile(accesses).split('\n')[0]).toBe('t,admin,admin,"system:masters"')
  })

  it('writes a kubeconfig that carries its CA', () => {
    const [admin] = accesses
    if (admin === undefined) throw new Error('no admin')
    const config: unknown = JSON.parse(kubeconfigFor(admin, { apiAddress: '100.64.0.1', ca: 'PEM', cluster: 'c' }))
    expect(config).toMatchObject({
      clusters: [{ cluster: { server: 'https://100.64.0.1:6443', 'certificate-authority-data': 'UEVN' } }],
      users: [{ user: { token: 't' } }],
    })
  })
})
