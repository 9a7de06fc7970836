import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { openTestContext, sandbox, type TestContext } from '../attach/testing/context.ts'
import { type NetworkTurns, openNetworkTurns } from './network-turns.ts'

let directory = ''
let context: TestContext
let turns: NetworkTurns
let steps: string[]
beforeEach(async () => {
  directory = await mkdtemp(`${tmpdir()}/turns-`)
  context = await openTestContext(directory)
  turns = openNetworkTurns()
  steps = []
})
afterEach(() => rm(directory, { recursive: true }))

/** A collection that ends when told. */
function collection(network: string): { readonly end: () => void; readonly ended: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const ended = turns.collecting(network, async () => {
    steps.push(`collecting ${network}`)
    await promise
    steps.push(`collected ${network}`)
  })
  return { end: resolve, ended }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('while a network is collected', () => {
  it('a new attachment to it waits, so that it cannot be missing in the list', async () => {
    const journal = turns.guard(context.journal)
    const { end, ended } = collection('cluster')
    await settled()
    const created = journal.create(sandbox()).then(() => steps.push('recorded'))
    await settled()
    expect(await context.journal.read('c1')).toBeUndefined()
    end()
    await Promise.all([ended, created])
    expect(steps).toEqual(['collecting cluster', 'collected cluster', 'recorded'])
  })

  it.each([
    ['another network', 'other', sandbox()],
    ['attachments that are in the list already', 'cluster', sandbox({ state: 'deleting' })],
  ])('nothing waits for %s', async (_, network, record) => {
    const journal = turns.guard(context.journal)
    await journal.create(sandbox())
    const { end, ended } = collection(network)
    await settled()
    await journal.write(record)
    end()
    await ended
  })

  it('an attachment added to a known sandbox waits', async () => {
    const journal = turns.guard(context.journal)
    const known = sandbox()
    await journal.create(known)
    const { end, ended } = collection('cluster')
    await settled()
    const more = known.attachments.map((attachment) => ({ ...attachment, ifName: 'net1' }))
    const written = journal.write({ ...known, attachments: [...known.attachments, ...more] }).then(() => steps.push('recorded'))
    await settled()
    expect(steps).toEqual(['collecting cluster'])
    end()
    await Promise.all([ended, written])
    expect(steps.at(-1)).toBe('recorded')
  })

  it('a second collection of it waits, also after a failure', async () => {
    const first = turns.collecting('cluster', () => Promise.reject(new Error('broken')))
    const second = collection('cluster')
    await expect(first).rejects.toThrow('broken')
    await settled()
    expect(steps).toEqual(['collecting cluster'])
    second.end()
    await second.ended
  })
})

it('a collection waits for records that are being written', async () => {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const journal = turns.guard({ ...context.journal, create: () => promise })
  const created = journal.create(sandbox())
  const { end, ended } = collection('cluster')
  await settled()
  expect(steps).toEqual([])
  resolve(true)
  end()
  await Promise.all([created, ended])
  expect(steps).toEqual(['collecting cluster', 'collected cluster'])
})
