import { fakeClock } from '#kube/process/clock.fake'
import { fakeLog } from '#kube/process/log.fake'
import { parseNodeName } from '#api/ids'
import type { Identity } from './authenticate.ts'
import { openSpeakers } from './speakers.ts'

const tenMinutes = 600_000

function node(name: string): Identity {
  const parsed = parseNodeName(name)
  return parsed === undefined ? { kind: 'refused', message: name } : { kind: 'node', node: parsed }
}

function setUp() {
  const clock = fakeClock()
  const answers = new Map<string, Identity | Error>([['t1', node('a')]])
  const asked: string[] = []
  const refused: string[] = []
  const authenticate = async (token: string): Promise<Identity> => {
    asked.push(token)
    const answer = answers.get(token) ?? { kind: 'refused', message: 'unknown' }
    if (answer instanceof Error) throw answer
    return answer
  }
  const onRefused = (_: object, message: string): void => void refused.push(message)
  const speakers = openSpeakers<object>({ authenticator: { authenticate }, clock, log: fakeLog(), onRefused })
  return { clock, answers, asked, refused, speakers }
}

describe('speakers', () => {
  it('have their token reviewed once per connection', async () => {
    const { asked, speakers } = setUp()
    const connection = {}
    await Promise.all([speakers.identify(connection, 't1'), speakers.identify(connection, 't1')])
    expect(await speakers.identify(connection, 't2')).toEqual(node('a'))
    await speakers.identify({}, 't1')
    expect(asked).toEqual(['t1', 't1'])
  })

  it('are reviewed again every ten minutes with the newest token', async () => {
    const { clock, answers, asked, refused, speakers } = setUp()
    const connection = {}
    await speakers.identify(connection, 't1')
    await speakers.identify(connection, 't2')
    answers.set('t2', node('a'))
    await clock.advance(2 * tenMinutes)
    expect([asked, refused]).toEqual([['t1', 't2', 't2'], []])
  })

  it.each([
    ['is no longer valid', { kind: 'refused', message: 'expired' } as const, 'expired'],
    ['speaks for another node', node('b'), 'the token changed its node'],
  ])('are ended when the token %s', async (_, answer, message) => {
    const { clock, answers, refused, speakers } = setUp()
    await speakers.identify({}, 't1')
    answers.set('t1', answer)
    await clock.advance(tenMinutes)
    expect(refused).toEqual([message])
  })

  it('stay while the API server cannot tell', async () => {
    const { clock, answers, asked, refused, speakers } = setUp()
    await speakers.identify({}, 't1')
    answers.set('t1', new Error('unreachable'))
    await clock.advance(tenMinutes + 60_000)
    expect([asked.length, refused]).toEqual([3, []])
  })

  it('may try again after a review that failed or was refused', async () => {
    const { answers, speakers } = setUp()
    const connection = {}
    answers.set('t1', new Error('unreachable'))
    await expect(speakers.identify(connection, 't1')).rejects.toThrow('unreachable')
    answers.set('t1', { kind: 'refused', message: 'no' })
    expect(await speakers.identify(connection, 't1')).toEqual({ kind: 'refused', message: 'no' })
    answers.set('t1', node('a'))
    expect(await speakers.identify(connection, 't1')).toEqual(node('a'))
  })

  it('leave no timer behind', async () => {
    const { clock, speakers } = setUp()
    const connection = {}
    await speakers.identify(connection, 't1')
    speakers.forget(connection)
    expect(clock.timers()).toBe(0)
  })
})
