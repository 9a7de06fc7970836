// Holds device-info files to their names and to refusals that name the field.
import { attachmentDeviceFile, devicePluginFile, parseDeviceInfo } from '#api/network-status-device'

describe('device-info files', () => {
  it.each([
    [devicePluginFile('intel.com/sriov', '0000:18:02.5'), 'dp/intel.com-sriov-0000:18:02.5-device.json'],
    [attachmentDeviceFile('default/net-a', 'c1', 'net1'), 'cni/default-net-a-c1_net1'],
    [devicePluginFile('../../x', 'a/b'), 'dp/..-..-x-a-b-device.json'],
  ])('are called %s', (name, expected) => expect(name).toBe(expected))

  it('are read with what the annotation shows', () => {
    const text = '{"type":"pci","version":"1.1.0","pci":{"pci-address":"0000:18:02.5"},"memif":null,"more":1}'
    expect(parseDeviceInfo(text, 'f')).toEqual({
      ok: true,
      deviceInfo: { type: 'pci', version: '1.1.0', pci: { 'pci-address': '0000:18:02.5' } },
    })
  })

  it.each([
    ['[]', { path: 'f', problem: 'is [] and not an object' }],
    ['{"type":1}', { path: 'f', problem: 'has a "type" or "version" that is not a string' }],
    ['{"pci":"x"}', { path: 'f.pci', problem: 'is "x" and not an object of strings' }],
    ['{"pci":{"pci-address":1}}', { path: 'f.pci', problem: 'is {"pci-address":1} and not an object of strings' }],
    ['{', { path: 'f' }],
  ])('refuse %s', (text, refusal) => expect(parseDeviceInfo(text, 'f')).toMatchObject({ ok: false, ...refusal }))
})
