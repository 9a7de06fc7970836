import * as fc from 'fast-check'
import { parseNetworks } from '#api/annotations/networks'
import type { RecordedAttachment } from '#api/socket'
import { askedBy } from './asked.ts'
import { type HotplugPlan, planHotplug } from './plan-hotplug.ts'

const pod = { namespace: 'shop', name: 'web', uid: 'uid-1' }
const made = (network: string, ifName: string, more: Partial<RecordedAttachment> = {}): RecordedAttachment => ({
  network,
  ifName,
  primary: false,
  required: true,
  cniArgs: '',
  plugins: [{ type: 'p' }],
  timeoutMs: 1000,
  result: {},
  ...more,
})
const PRIMARY = made('cluster', 'eth0', { primary: true })
const DEFAULT = made('kube-system/all', 'net1')
const asked = (network: string, ifName: string, attributes = {}): RecordedAttachment => made(network, ifName, { asked: attributes })

/** A readable form of the plan: what goes, what comes, what is refused. */
function plan(annotation: string, attachments: readonly RecordedAttachment[]): object {
  const planned = planHotplug({ annotation, record: { pod, ifName: 'eth0', attachments: [PRIMARY, DEFAULT, ...attachments] } })
  if (!planned.ok) return { refusal: planned.sentence }
  const { remove, add, refused } = planned
  return {
    ...(remove.length > 0 && { remove: remove.map(({ network, ifName }) => `${network} ${ifName}`) }),
    ...(add.length > 0 && { add: add.map(({ key, ifName }) => `${key} ${ifName}`) }),
    ...(refused.length > 0 && { refused: refused.map(({ code, sentence }) => `${code} ${sentence}`) }),
  }
}

const A2 = asked('shop/a', 'net2')
const A3 = asked('shop/a', 'net3')
const B = asked('shop/b', 'net3')
const json = (...elements: readonly object[]): string => JSON.stringify(elements)

describe('an edited annotation', () => {
  it.each([
    ['the same networks change nothing', 'a,b', [A2, B], {}],
    ['the other form of the same networks changes nothing', json({ name: 'a' }, { name: 'b', namespace: 'shop' }), [A2, B], {}],
    ['another order changes nothing', 'b,a', [A2, B], {}],
    ['naming an interface that has this name changes nothing', 'a@net2', [A2], {}],
    ['new networks come in its order, with the lowest free names', 'c,a,d', [A2], { add: ['shop/c net3', 'shop/d net4'] }],
    ['a gap in the names is filled', 'a,c', [A3], { add: ['shop/c net2'] }],
    ['a name that was asked for is not given to another', 'c,d@net2', [], { add: ['shop/c net3', 'shop/d net2'] }],
    ['networks go last attached first', '', [A2, B], { remove: ['shop/b net3', 'shop/a net2'] }],
    ['"none" removes as the empty one does', 'none', [A2], { remove: ['shop/a net2'] }],
    ['an empty list removes all that it asked for, and nothing else', '[]', [A2, B], { remove: ['shop/b net3', 'shop/a net2'] }],
    ['a freed name is free', 'b', [A2], { remove: ['shop/a net2'], add: ['shop/b net2'] }],
    ['another network under the same name replaces it', 'b@net2', [A2], { remove: ['shop/a net2'], add: ['shop/b net2'] }],
    ['another name is another interface', 'a@x', [A2], { remove: ['shop/a net2'], add: ['shop/a x'] }],
    ['one of two of the same network stays: the first', 'a', [A2, A3], { remove: ['shop/a net3'] }],
    ['a third of the same network comes', 'a,a,a', [A2, A3], { add: ['shop/a net4'] }],
    ['an element with a name takes its own, the other the rest', 'a,a@net2', [A2, A3], {}],
    ['a network of another namespace is another network', 'far/a', [A2], { remove: ['shop/a net2'], add: ['far/a net2'] }],
    ['what another asked for is not touched', '', [made('shop/x', 'net2')], {}],
    [
      'what is still being detached keeps its name',
      'a@net2,b',
      [made('shop/a', 'net2', { asked: {}, pending: 'detaching' })],
      { add: ['shop/b net3'] },
    ],
  ])('%s', (_, annotation, attachments, expected) => {
    expect(plan(annotation, attachments)).toEqual(expected)
  })

  it.each([
    ['the primary', 'c@eth0'],
    ['a default network', 'c@net1'],
    ['another element', 'a@net2,c@net2'],
  ])('does not get a name of %s, and the rest goes on', (_, annotation) => {
    expect(plan(`${annotation},d`, [A2])).toEqual({
      ...(!annotation.includes('a@') && { remove: ['shop/a net2'] }),
      add: [annotation.includes('a@') ? 'shop/d net3' : 'shop/d net2'],
      refused: [expect.stringMatching(/^InterfaceExists .*networks\[\d\]: the interface name "\w+" is already taken/)],
    })
  })

  it.each([
    ['ips', { ips: ['10.1.0.8/24'] }],
    ['mac', { mac: '02:00:00:00:00:09' }],
    ['bandwidth', { bandwidth: { ingressRate: 1000, ingressBurst: 1000 } }],
    ['portMappings', { portMappings: [{ hostPort: 80, containerPort: 80 }] }],
    ['cni-args', { 'cni-args': { x: 1 } }],
    ['deviceID', { deviceID: '0000:00:01.0' }],
    ['default-route', { 'default-route': ['10.1.0.1'] }],
    ['infiniband-guid', { 'infiniband-guid': 'c2:11:22:33:44:55:66:77' }],
  ])('cannot change %s of an attachment, which stays', (key, attributes) => {
    expect(plan(json({ name: 'a', ...attributes }), [A2])).toEqual({
      refused: [
        `UnsupportedField k8s.v1.cni.cncf.io/networks[0]: ${key} of network shop/a (net2) cannot be changed while the pod runs; remove the element and add it again, or start the pod anew`,
      ],
    })
  })

  it('removes the one of two static addresses that it no longer names', () => {
    const [one, two] = [asked('shop/a', 'net2', { ips: ['10.1.0.8/24'] }), asked('shop/a', 'net3', { ips: ['10.1.0.9/24'] })]
    expect(plan(json({ name: 'a', ips: ['10.1.0.9/24'] }), [one, two])).toEqual({ remove: ['shop/a net2'] })
  })

  it('compares attributes without regard to the order of their members', () => {
    const before = asked('shop/a', 'net2', { 'cni-args': { x: 1, y: 2 } })
    expect(plan(json({ name: 'a', 'cni-args': { y: 2, x: 1 } }), [before])).toEqual({})
  })

  it('changes nothing when it cannot be read', () => {
    expect(plan('a/b/c', [A2])).toEqual({ refusal: expect.stringMatching(/networks\[0\]: "a\/b\/c" holds more than one "\/"/) })
  })
})

/** The attachments as they are after the plan was carried out. */
function carriedOut(before: readonly RecordedAttachment[], { remove, add }: HotplugPlan): readonly RecordedAttachment[] {
  const added = add.map((addition) => made(addition.key, addition.ifName, askedBy(addition)))
  return [...before.filter((attachment) => !remove.includes(attachment)), ...added]
}

it('whatever edits follow each other: names stay unique, and a second look finds nothing to do', () => {
  const element = fc.record(
    { name: fc.constantFrom('a', 'b', 'c'), interface: fc.constantFrom('net1', 'net2', 'x', 'y') },
    { requiredKeys: ['name'] },
  )
  fc.assert(
    fc.property(fc.array(fc.array(element, { maxLength: 5 }), { maxLength: 4 }), (edits) => {
      let attachments: readonly RecordedAttachment[] = [PRIMARY, DEFAULT]
      for (const edit of edits) {
        const annotation = json(...edit)
        const input = { annotation, record: { pod, ifName: 'eth0', attachments } }
        const first = planHotplug(input)
        if (!first.ok) throw new Error(first.sentence)
        attachments = carriedOut(attachments, first)
        expect(new Set(attachments.map(({ ifName }) => ifName)).size).toBe(attachments.length)
        expect(attachments).toEqual(expect.arrayContaining([PRIMARY, DEFAULT]))
        const second = planHotplug({ ...input, record: { ...input.record, attachments } })
        expect(second).toMatchObject({ ok: true, remove: [], add: [] })
        const parsed = parseNetworks(annotation, { namespace: 'shop' })
        expect(attachments.length - 2 + first.refused.length).toBe(parsed.ok ? parsed.networks.length : 0)
      }
    }),
  )
})
