// Which boot it is, and how long ago it was.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBoot, parseUptime } from './boot.ts'

let dir = ''
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text)
  return join(dir, name)
}
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'plexus-boot-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

describe('the boot', () => {
  it('is told by the id and the uptime of the kernel', () => {
    const bootIdFile = file('id', 'D2E1A3D0-0f4c-4e2b-9f43-8a3f8c0f0a11\n')
    const boot = openBoot({ bootIdFile, uptimeFile: file('uptime', '354.57 1234.56\n') })
    expect([boot.id, boot.nowMs()]).toEqual(['d2e1a3d0-0f4c-4e2b-9f43-8a3f8c0f0a11', 354_570])
  })

  it('reads this machine', () => {
    const boot = openBoot({ bootIdFile: '/proc/sys/kernel/random/boot_id' })
    expect(boot.nowMs()).toBeGreaterThan(0)
  })

  it.each([
    ['12.34 5.6\n', 12_340],
    ['0.00 0.00\n', 0],
    ['12 5\n', undefined],
    ['x', undefined],
    ['', undefined],
  ])('takes %j for %j ms', (text, ms) => {
    expect(parseUptime(text)).toBe(ms)
  })

  it('refuses a file that is no boot id, naming it', () => {
    const bootIdFile = file('id', 'rubbish\n')
    expect(() => openBoot({ bootIdFile })).toThrow(
      `${bootIdFile}: this is not a boot id; give the host's /proc/sys/kernel/random/boot_id to --boot-id-file`,
    )
    expect(() => openBoot({ bootIdFile: join(dir, 'none') })).toThrow('it must be mounted into the agent')
  })
})
