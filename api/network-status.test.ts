// Holds network-status to the bytes of the reference client (golden files, made by e2e/golden) for every shape of result.
import { parseResult } from '#api/cni/result'
import type { Json } from '#api/json'
import { type DeviceInfo, formatNetworkStatus, networkStatuses } from '#api/network-status'
import { goldenFiles } from './testdata/golden.ts'

interface Golden {
  readonly attached:
    | readonly { readonly name: string; readonly primary: boolean; readonly result: Json; readonly deviceInfo?: DeviceInfo }[]
    | null
  readonly annotation: string
}

describe('network-status', () => {
  const files = goldenFiles('network-status') as readonly (readonly [string, Golden])[]

  it('has golden files to be compared with', () => expect(files.length).toBeGreaterThan(25))

  it.each(files)('has the bytes of the reference client for %s', (_, { attached, annotation }) => {
    const statuses = (attached ?? []).flatMap(({ result, ...network }) => {
      const parsed = parseResult(result, '1.0.0')
      if (!parsed.ok) throw new Error(parsed.problem)
      return networkStatuses({ ...network, result: parsed.result })
    })
    expect(formatNetworkStatus(statuses)).toBe(annotation)
  })
})
