import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { endProcess, isAlive, parseIdentity, signalTo, startOf } from './identity.ts'

const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

describe('parseIdentity', () => {
  it.each([
    ['a record', '12 345 b-1\n', { pid: 12, start: '345', boot: 'b-1' }],
    ['a record that was cut short', '12 345', undefined],
    ['nothing', '', undefined],
    ['a process group', '-12 345 b-1', undefined],
    ['the whole machine', '0 345 b-1', undefined],
  ])('reads %s', (_, text, expected) => {
    expect(parseIdentity(text)).toEqual(expected)
  })
})

describe('startOf', () => {
  const rest = Array.from({ length: 30 }, (_, index) => String(index + 4)).join(' ')
  it.each([
    ['a plain name', `7 (etcd) S ${rest}`, '22'],
    ['a name with blanks and brackets', `7 (a (b) c) R ${rest}`, '22'],
    ['a zombie, which no longer runs', `7 (etcd) Z ${rest}`, undefined],
  ])('reads the start time of %s', (_, stat, expected) => {
    expect(startOf(stat)).toBe(expected)
  })
})

describe('a process and a later one with its id', () => {
  it('signals nobody when the start time or the boot is another', () => {
    const start = startOf(readFileSync('/proc/self/stat', 'utf8')) ?? ''
    expect(isAlive({ pid: process.pid, start, boot })).toBe(true)
    expect(signalTo({ pid: process.pid, start: '1', boot }, 'SIGKILL')).toBe(false)
    expect(signalTo({ pid: process.pid, start, boot: 'another' }, 'SIGKILL')).toBe(false)
  })

  it('ends a process that ignores SIGTERM and one that is stopped', async () => {
    const child = spawn('sh', ['-c', 'trap "" TERM; echo ready; while :; do read line || :; done'], { stdio: ['pipe', 'pipe', 'ignore'] })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    const pid = child.pid ?? 0
    const identity = { pid, start: startOf(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? '', boot }
    signalTo(identity, 'SIGSTOP')
    await endProcess(identity, { first: 'SIGTERM', grace: 200 })
    expect(isAlive(identity)).toBe(false)
  })
})
