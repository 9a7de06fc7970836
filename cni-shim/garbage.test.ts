import { fakeSystem } from './system.fake.ts'
import { call, nodeFile } from './testing/build.ts'

const valid = [{ containerID: 'abc', ifname: 'eth0' }]
const primary = { name: 'cluster', cniVersion: '1.1.0', plugins: [{ cniVersion: '1.1.0', name: 'cluster', type: 'bridge' }] }
const files = { '/var/lib/plexus/node.json': nodeFile({ primary }) }

describe('GC', () => {
  it.each(['cni.dev/valid-attachments', 'cni.dev/attachments'])('hands the list under %s to the agent, which knows all networks', (key) => {
    const system = fakeSystem({ files, agent: () => ({ body: {} }) })
    expect(call(system, 'GC', { conf: { [key]: valid } })).toEqual({ exitCode: 0, out: undefined })
    expect(system.steps).toEqual(['POST /v1/gc'])
    expect(system.bodies[0]?.body).toEqual({ protocol: 1, valid, startedAt: 1_000_000, deadline: 1_120_000 })
  })

  it.each([
    ['absent', {}],
    ['no list', { 'cni.dev/valid-attachments': 'x' }],
    ['a list of something else', { 'cni.dev/valid-attachments': [{ containerID: 1 }] }],
  ])('refuses to take a list that is %s for an empty one', (_, conf) => {
    const system = fakeSystem({ files, agent: () => ({ body: {} }) })
    expect(call(system, 'GC', { conf }).out).toMatchObject({ code: 7, msg: expect.stringContaining('cni.dev/valid-attachments') })
    expect(system.steps).toEqual([])
  })

  it("passes the agent's failure on with the plugin's code", () => {
    const body = { code: 103, msg: 'GC: network "a": plugin x: busy', details: 'DelegateFailed' }
    const system = fakeSystem({ agent: () => ({ status: 500, body }) })
    expect(call(system, 'GC', { conf: { 'cni.dev/valid-attachments': valid } }).out).toMatchObject({ code: 103, msg: body.msg })
  })

  it('collects nothing without the agent: nobody else knows the further interfaces of valid pods', () => {
    const system = fakeSystem({ files })
    expect(call(system, 'GC', { conf: { 'cni.dev/valid-attachments': valid } }).out).toMatchObject({ code: 11 })
    expect(system.executions).toEqual([])
  })
})
