import type { ProfileSpec } from '#api/kinds/node-network-profile'
import { type LookedUp, planAttachments } from '../attach/plan-attachments.ts'
import { requestedNetworks } from '../attach/requested-networks.ts'
import { sandbox } from '../attach/testing/context.ts'
import { config, profile } from '../attach/testing/plan-input.ts'
import { isFinal, planAddition, type PlannedAddition } from './plan-addition.ts'
import { planHotplug } from './plan-hotplug.ts'

const PRIMARY = { name: 'cluster', cniVersion: '1.0.0', plugins: [{ type: 'bridge' }] }
const MACVLAN = config({ cniVersion: '1.0.0', name: 'a', plugins: [{ type: 'macvlan', capabilities: { ips: true } }, { type: 'tuning' }] })
const cniArgs =
  'IgnoreUnknown=true;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=c1;K8S_POD_UID=uid-1;COLOUR=blue;MAC=02:00:00:00:00:01'
const plain = sandbox()
const record = { ...plain, attachments: plain.attachments.map((attachment) => ({ ...attachment, cniArgs })) }

/** Plans the first element of the annotation as an addition. */
function planned(element: object, change: { readonly found?: LookedUp; readonly profile?: Partial<ProfileSpec> } = {}): PlannedAddition {
  const plan = planHotplug({ annotation: JSON.stringify([element]), record })
  const [addition] = plan.ok ? plan.add : []
  if (addition === undefined) throw new Error('nothing to add')
  return planAddition({ addition, record, profile: profile(change.profile), primary: PRIMARY, found: change.found ?? MACVLAN })
}

it('executes what an ADD with the same element executes', () => {
  const element = { name: 'a', ips: ['10.1.0.8/24'], 'cni-args': { x: 1 } }
  const requested = requestedNetworks({
    annotations: { 'k8s.v1.cni.cncf.io/networks': JSON.stringify([element]) },
    podNamespace: 'shop',
    profile: profile(),
  })
  if (!requested.ok) throw new Error(requested.sentence)
  const networks = new Map(requested.further.map(({ key }) => [key, MACVLAN]))
  const { containerId, ifName, pod } = record
  const runtime = { runtimeArgs: [['COLOUR', 'blue']] as const, runtimeConfig: {} }
  const add = planAttachments({ containerId, ifName, pod, ...runtime, profile: profile(), primary: PRIMARY, requested, networks })
  expect(planned(element)).toEqual({ ok: true, attachment: add.ok ? add.attachments[1] : undefined, warnings: [] })
})

it('keeps the arguments of the runtime, not the MAC of another attachment', () => {
  const outcome = planned({ name: 'a' })
  expect(outcome.ok && outcome.attachment.cniArgs).toMatch(/;COLOUR=blue$/)
})

it.each([
  [
    'a network of a foreign namespace',
    { name: 'a', namespace: 'far' },
    { profile: { namespaceIsolation: 'Enabled' } },
    'IsolationViolated passing',
  ],
  ['a capability that no plugin has', { name: 'a', mac: '02:00:00:00:00:02' }, {}, 'CapabilityMissing passing'],
  ['a network that does not exist', { name: 'a' }, { found: { state: 'missing' } }, 'NetworkNotFound passing'],
  ['a rejected network', { name: 'a' }, { found: { state: 'rejected', message: 'no' } }, 'NetworkRejected passing'],
  [
    'an optional network that does not exist',
    { name: 'a', 'plexus.dev/required': false },
    { found: { state: 'missing' } },
    'NetworkNotFound passing',
  ],
  ['a default route', { name: 'a', 'default-route': ['10.1.0.1'] }, {}, 'UnsupportedField final'],
  ['a device that nobody gave the pod', { name: 'a' }, { found: { ...MACVLAN, resourceName: 'x/vf' } }, 'UnsupportedField final'],
] as const)('refuses %s', (_, element, change, expected) => {
  const outcome = planned(element, change)
  expect(outcome.ok ? 'planned' : `${outcome.code} ${isFinal(outcome) ? 'final' : 'passing'}`).toBe(expected)
})

it.each([
  ['its own namespace', { name: 'a' }],
  ['a global namespace', { name: 'a', namespace: 'default' }],
])('isolation allows a network of %s', (_, element) => {
  expect(planned(element, { profile: { namespaceIsolation: 'Enabled' } })).toMatchObject({ ok: true })
})
