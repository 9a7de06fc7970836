// Where the stream may be.
import { parseAddress } from './stream-address.ts'

describe('an address of the stream', () => {
  it.each([
    ['10.1.2.3:8444', { host: '10.1.2.3', port: 8444 }],
    ['[fd00::1]:8444', { host: 'fd00::1', port: 8444 }],
    ['plexus-operator.plexus.svc:1', { host: 'plexus-operator.plexus.svc', port: 1 }],
    ['fd00::1:8444', undefined],
    ['10.1.2.3', undefined],
    ['10.1.2.3:0', undefined],
    ['10.1.2.3:65536', undefined],
    ['http://10.1.2.3:80', undefined],
    ['', undefined],
  ])('reads %j', (text, address) => {
    expect(parseAddress(text)).toEqual(address)
  })
})
