import { networkMarks } from './network-marks.ts'

describe('the annotations of a network', () => {
  it.each([
    ['none', {}, {}],
    ['the subnet of Kuryr', { 'openstack.org/kuryr-config': '{"subnetId":"s-1"}' }, { kuryrSubnet: 's-1' }],
    ['a Kuryr config that is no JSON', { 'openstack.org/kuryr-config': '{' }, {}],
    ['capabilities that are not strict', { 'plexus.dev/strict-capabilities': 'Disabled' }, { lenient: true }],
    ['any other word', { 'plexus.dev/strict-capabilities': 'Enabled' }, {}],
  ])('say %s', (_, annotations, marks) => expect(networkMarks(annotations)).toEqual(marks))
})
