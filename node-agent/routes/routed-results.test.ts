import type { JsonObject } from '#api/json'
import type { DefaultRoute, RecordedAttachment } from '#api/socket'
import { routedAttachments } from './routed-results.ts'
import { wantedRoutes } from './wanted-routes.ts'

const V4 = { dst: '0.0.0.0/0', gw: '10.1.0.1' }
const V6 = { dst: '::/0', gw: 'fd01::1' }
const OTHER = { dst: '10.96.0.0/12' }
const OTHER_TABLE = { dst: '0.0.0.0/0', gw: '10.1.0.9', table: 100 }

function attachment(ifName: string, result: JsonObject, defaultRoute?: DefaultRoute): RecordedAttachment {
  const plugins = [{ type: 'p', cniVersion: '1.0.0' }]
  const place = { network: ifName, ifName, primary: ifName === 'eth0', required: true, cniArgs: '', plugins, timeoutMs: 1 }
  return { ...place, result, ...(defaultRoute && { defaultRoute }) }
}

/** Routes of eth0 and net1 after net1 asked. */
function routed(eth0: JsonObject, net1: JsonObject, asked: DefaultRoute): readonly (JsonObject | undefined)[] {
  const attachments = [attachment('eth0', eth0), attachment('net1', net1, asked)]
  const wanted = wantedRoutes(attachments)
  return wanted === undefined ? [] : routedAttachments(attachments, wanted).map(({ result }) => result)
}

describe('results after default routes were moved', () => {
  const primary = { cniVersion: '1.0.0', ips: [], routes: [V4, V6, OTHER, OTHER_TABLE], unknown: { kept: true } }
  const second = { cniVersion: '1.1.0', ips: [] }

  it('lose and gain only the family that moved; everything else is kept', () => {
    expect(routed(primary, second, { gateways: ['10.2.0.1'] })).toEqual([
      { ...primary, routes: [V6, OTHER, OTHER_TABLE] },
      { ...second, routes: [{ dst: '0.0.0.0/0', gw: '10.2.0.1' }] },
    ])
  })

  it('follow IPv6, which Multus compares with a text that never occurs', () => {
    expect(routed(primary, second, { gateways: ['fd02::1'] })).toEqual([
      { ...primary, routes: [V4, OTHER, OTHER_TABLE] },
      { ...second, routes: [{ dst: '::/0', gw: 'fd02::1' }] },
    ])
  })

  it('of the others are untouched by an empty list', () => {
    const before = { cniVersion: '0.3.1', routes: [V4, OTHER] }
    const after = routed(primary, before, { gateways: [] })
    expect(after).toEqual([primary, { cniVersion: '0.3.1', routes: [OTHER] }])
    expect(after[0]).toBe(primary)
  })

  it('keep the routes of the others beside one with a metric, which version 1 can say', () => {
    expect(routed(primary, second, { gateways: ['10.2.0.1'], metric: 700 })).toEqual([
      primary,
      { ...second, routes: [{ dst: '0.0.0.0/0', gw: '10.2.0.1', priority: 700 }] },
    ])
    const old = { cniVersion: '0.4.0' }
    expect(routed(primary, old, { gateways: ['10.2.0.1'], metric: 700 })[1]).toEqual({
      ...old,
      routes: [{ dst: '0.0.0.0/0', gw: '10.2.0.1' }],
    })
  })

  it('of version 0.2.0 hold them within the address', () => {
    const eth0 = { cniVersion: '0.2.0', ip4: { ip: '10.1.0.2/24', routes: [V4] }, ip6: { ip: 'fd01::2/64', routes: [V6] }, dns: {} }
    const net1 = { cniVersion: '0.2.0', ip4: { ip: '10.2.0.2/24' }, dns: {} }
    expect(routed(eth0, net1, { gateways: ['10.2.0.1'] })).toEqual([
      { ...eth0, ip4: { ip: '10.1.0.2/24', routes: [] } },
      { ...net1, ip4: { ip: '10.2.0.2/24', routes: [{ dst: '0.0.0.0/0', gw: '10.2.0.1' }] } },
    ])
  })
})
