import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fakeLog } from '#kube/process/log.fake'
import { systemClock } from '#kube/process/system-clock'
import { until } from '#kube/testing/until'
import { type DaemonProcess, openDaemonProcess } from './daemon-process.ts'

let directory = ''
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'dhcp-daemon-'))))
afterEach(() => rm(directory, { recursive: true }))

/** A daemon that listens where it is told, and removes the socket on SIGTERM, as the reference plugin's does. */
const SCRIPT = `#!${process.execPath}
const { createServer } = require('node:net')
if (process.argv[2] !== 'daemon' || process.argv[3] !== '-socketpath') process.exit(7)
process.stderr.write('hello\\n')
createServer().listen(process.argv[4])
process.on('SIGTERM', () => process.exit(0))
`

async function open(binary: string, log = fakeLog()): Promise<DaemonProcess> {
  await writeFile(join(directory, 'dhcp'), SCRIPT, { mode: 0o755 })
  return openDaemonProcess({ binary: join(directory, binary), socket: join(directory, 'dhcp.sock'), clock: systemClock(), log })
}

describe('the process of the DHCP daemon', () => {
  it('listens at the socket, is heard in the log, and ends when told', async () => {
    const log = fakeLog()
    const daemon = await open('dhcp', log)
    expect(await daemon.accepts()).toBe(false)
    const running = daemon.start()
    await until('the daemon listens', () => daemon.accepts())
    await running.end()
    expect([await running.ended, await daemon.accepts()]).toEqual(['code 0', false])
    expect(log.lines).toContainEqual(expect.objectContaining({ message: 'the DHCP daemon says' }))
  })

  it('says that its binary is missing', async () => {
    const running = (await open('none')).start()
    expect(await running.ended).toMatch(/ENOENT/)
    await running.end()
  })

  it('does not take the socket of a killed daemon for one that serves', async () => {
    await writeFile(join(directory, 'dhcp.sock'), '')
    const daemon = await open('dhcp')
    expect(await daemon.accepts()).toBe(false)
    await daemon.removeSocket()
    await expect(stat(join(directory, 'dhcp.sock'))).rejects.toThrow('ENOENT')
  })
})
